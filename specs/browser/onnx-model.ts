/**
 * A small ONNX model as its bytes: `y = x · W + b`, with `W` in a file beside it as large models have it. Written by hand after `onnx.proto` of
 * https://github.com/onnx/onnx (IR version 8, opset 13), so that no test needs a tool or a download.
 */
type Field = readonly [number: number, value: number | string | Uint8Array];

const FLOAT = 1;
const EXTERNAL = 1;

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

/** One message of the wire format: numbers as varints, all else with its length before it. */
function message(...fields: readonly Field[]): Uint8Array {
  const parts = fields.map(([number, value]) => {
    if (typeof value === 'number') return Buffer.from([...varint(number << 3), ...varint(value)]);
    const bytes = Buffer.from(value);
    return Buffer.concat([Buffer.from([...varint((number << 3) | 2), ...varint(bytes.length)]), bytes]);
  });
  return Buffer.concat(parts);
}

const floats = (values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

const tensor = (name: string, shape: readonly number[], ...where: readonly Field[]): Uint8Array =>
  message(...shape.map((size): Field => [1, size]), [2, FLOAT], [8, name], ...where);

function value(name: string, shape: readonly number[]): Uint8Array {
  const dimensions = message(...shape.map((size): Field => [1, message([1, size])]));
  return message([1, name], [2, message([1, message([1, FLOAT], [2, dimensions])])]);
}

const node = (type: string, inputs: readonly string[], output: string): Uint8Array =>
  message(...inputs.map((input): Field => [1, input]), [2, output], [4, type]);

export interface OnnxModel {
  readonly model: Uint8Array;
  /** What the model asks for by the name it was given. */
  readonly weights: Uint8Array;
}

/** `W` has a row for each number of `x`, `b` one number for each of `y`. */
export function lineModel(W: readonly (readonly number[])[], b: readonly number[], weightsName: string): OnnxModel {
  const shape = [W.length, b.length];
  const beside = message([1, 'location'], [2, weightsName]);
  const graph = message(
    [1, node('MatMul', ['x', 'W'], 'xW')],
    [1, node('Add', ['xW', 'b'], 'y')],
    [2, 'line'],
    [5, tensor('W', shape, [13, beside], [14, EXTERNAL])],
    [5, tensor('b', [b.length], [9, floats(b)])],
    [11, value('x', [1, W.length])],
    [12, value('y', [1, b.length])],
  );
  const opset = message([1, ''], [2, 13]);
  return { model: message([1, 8], [7, graph], [8, opset]), weights: floats(W.flat()) };
}
