/**
 * A graph of TensorFlow's, and as the bytes of a SavedModel that holds nothing else: the one form in which the binding of
 * tfjs-node loads a graph. Field numbers are those of saved_model, meta_graph, graph, node_def, attr_value and tensor.proto.
 */
import { float, integer, type Message, message, text } from './protobuf.js';

/** An attribute of an op, as the binding takes it: `type` is one of its TF_ATTR_... */
export type OpAttr = { name: string; type: number; value: unknown };

/** Numbers of TensorFlow's types and of kinds of attributes, by the names that the binding has for them. */
export type AttrTypes = {
  readonly [kind in `TF_ATTR_${'STRING' | 'INT' | 'FLOAT' | 'BOOL' | 'TYPE' | 'SHAPE'}`]: number;
};

/** What a tensor is, and, of a constant, its numbers. */
export type TensorSpec = { dtype: number; shape: readonly number[] };
export type HostTensor = TensorSpec & { values: Float32Array | Int32Array | Uint8Array };

/** The output of a node that has this name: NAME:0, or its others. */
export type Output = `${string}:${number}`;

/** Nodes come after those that they take inputs from. */
export type Node =
  | { kind: 'input'; name: string; spec: TensorSpec }
  | { kind: 'constant'; name: string; tensor: HostTensor }
  | { kind: 'op'; name: string; op: string; attrs: readonly OpAttr[]; inputs: readonly Output[] };

/** Which nodes are needed for these outputs, in their order; inputs are, whoever uses them. */
export function neededFor(outputs: readonly Output[], nodes: readonly Node[]): Node[] {
  const needed = new Set(outputs.map(nodeOf));
  for (const node of nodes.toReversed()) {
    if (node.kind === 'op' && needed.has(node.name)) for (const input of node.inputs) needed.add(nodeOf(input));
  }
  return nodes.filter(({ kind, name }) => kind === 'input' || needed.has(name));
}

function nodeOf(output: Output): string {
  return output.slice(0, output.lastIndexOf(':'));
}

/** The tag by which the graph is asked for. */
export const TAG = 'serve';

/** A version of the format that every TensorFlow 2 reads. */
const PRODUCER = 1087;

/** The bytes of saved_model.pb. */
export function savedModel(nodes: readonly Node[], types: AttrTypes): Uint8Array {
  const graph = [...nodes.flatMap((node) => message(1, nodeDef(node, types))), ...message(4, integer(1, PRODUCER))];
  const metaGraph = [...message(1, text(4, TAG)), ...message(2, graph)];
  return Buffer.concat([...integer(1, 1), ...message(2, metaGraph)]);
}

function nodeDef(node: Node, types: AttrTypes): Message {
  const named = (op: string) => [...text(1, node.name), ...text(2, op)];
  switch (node.kind) {
    case 'input':
      return [
        ...named('Placeholder'),
        ...attribute('dtype', integer(6, node.spec.dtype)),
        ...attribute('shape', message(7, shapeOf(node.spec.shape))),
      ];
    case 'constant':
      return [
        ...named('Const'),
        ...attribute('dtype', integer(6, node.tensor.dtype)),
        ...attribute('value', message(8, tensorOf(node.tensor))),
      ];
    case 'op':
      return [
        ...named(node.op),
        ...node.inputs.flatMap((input) => text(3, input)),
        ...node.attrs.flatMap(({ name, type, value }) => attribute(name, attrValue(type, value, types))),
      ];
  }
}

function attribute(name: string, value: Message): Message {
  return message(5, [...text(1, name), ...message(2, value)]);
}

/** Of one value, or of a list of them, whose field numbers are the same. */
function attrValue(type: number, value: unknown, types: AttrTypes): Message {
  if (type === types.TF_ATTR_SHAPE) return message(7, shapeOf(value as number[]));
  if (!Array.isArray(value)) return plainValue(type, value, types);
  return message(
    1,
    value.flatMap((one) => plainValue(type, one, types)),
  );
}

function plainValue(type: number, value: unknown, types: AttrTypes): Message {
  switch (type) {
    case types.TF_ATTR_STRING:
      return text(2, String(value));
    case types.TF_ATTR_INT:
      return integer(3, Number(value));
    case types.TF_ATTR_FLOAT:
      return float(4, Number(value));
    case types.TF_ATTR_BOOL:
      return integer(5, value === true);
    case types.TF_ATTR_TYPE:
      return integer(6, Number(value));
    default:
      throw new Error(`no attribute of kind ${type} is known`);
  }
}

function shapeOf(shape: readonly number[]): Message {
  return shape.flatMap((size) => message(2, integer(1, size)));
}

function tensorOf({ dtype, shape, values }: HostTensor): Message {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return [...integer(1, dtype), ...message(2, shapeOf(shape)), ...message(4, [bytes])];
}
