/**
 * Calls when the page stops without ending, and when it goes on. A page in the back/forward cache keeps its locks and files though no script
 * of it runs, and a frozen one may too: nobody else could become the owner. Returns how to stop listening.
 */
export function onPageLife(stop: () => void, goOn: () => void): () => void {
  let isStopped = false;
  const doStop = () => {
    if (isStopped) return;
    isStopped = true;
    stop();
  };
  const doGoOn = () => {
    if (!isStopped) return;
    isStopped = false;
    goOn();
  };
  addEventListener('pagehide', doStop);
  addEventListener('pageshow', doGoOn);
  document.addEventListener('freeze', doStop);
  document.addEventListener('resume', doGoOn);
  return () => {
    removeEventListener('pagehide', doStop);
    removeEventListener('pageshow', doGoOn);
    document.removeEventListener('freeze', doStop);
    document.removeEventListener('resume', doGoOn);
  };
}
