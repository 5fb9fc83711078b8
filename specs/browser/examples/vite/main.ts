/** The whole of an app: a voice is brought if it is not there, and its model is given away as a `File`. */
import { openDepot } from '@lading/browser';

const status = document.querySelector('[role=status]');
const depot = await openDepot({ catalog: 'catalog.json' });
depot.onStatus('heart', ({ phase, reason }) => {
  if (status !== null) status.textContent = `${phase} ${reason ?? ''}`.trim();
});
const voice = await depot.download('heart');
const model = await voice.file('model.onnx');
document.title = `${model.name}: ${model.size} bytes`;
