/** What is written down of the ops that a function runs: on a made-up library of three ops, which takes no libtensorflow. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { startBackend } from '#air/backends/start.js';
import type { TensorflowBackend } from '#air/backends/tensorflow/backend.js';
import { GraphCompiler } from '#air/backends/tensorflow/compiler.js';
import { neededFor } from '#air/backends/tensorflow/graph.js';
import { Recorder } from '#air/backends/tensorflow/recorder.js';
import { now, type VaryingNumbers } from '#air/core/ops/compiled.js';

const OPS: { [op: string]: (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[] } = {
  Add: (a, b) => tf.add(a, b),
  Mul: (a, b) => tf.mul(a, b),
  Halves: (a) => tf.split(a, 2),
};

/** The library, with all that it was asked for. */
class Library {
  readonly loads: string[] = [];
  readonly binding = {
    TF_ATTR_TYPE: 6,
    loadSavedModel: (folder: string) => this.loads.push(folder),
  };
  runGraph = () => [tf.scalar(0)];
  readonly tensorMap = {
    get: (data: object) => ({ values: tf.backend().readSync(data) as Float32Array, id: -1, shape: [], dtype: 1 }),
  };
  getDTypeInteger = () => 1;
  executeSingleOutput(op: string, _: unknown, inputs: tf.Tensor[]): tf.Tensor {
    return OPS[op](...inputs) as tf.Tensor;
  }
  executeMultipleOutputs(op: string, _: unknown, inputs: tf.Tensor[]): tf.Tensor[] {
    return OPS[op](...inputs) as tf.Tensor[];
  }
  readSync(): never {
    throw new Error('the library itself');
  }
}

function made() {
  const library = new Library();
  const backend = library as unknown as TensorflowBackend;
  const recorder = new Recorder(backend);
  const run = (op: string, ...inputs: tf.Tensor[]) => backend.executeSingleOutput(op, [], inputs);
  return { library, backend, recorder, run };
}

describe('Recorder', () => {
  before(async () => {
    await startBackend('cpu');
  });

  it('tells inputs, constants and outputs of ops apart', () => {
    const { backend, recorder, run } = made();
    const x = tf.tensor1d([1, 2]);
    const { result, recording } = recorder.record(
      [x],
      () => {
        const [first, second] = backend.executeMultipleOutputs('Halves', [], [x], 2);
        return run('Mul', run('Add', second, tf.scalar(3)), first.clone());
      },
      (output) => [output],
    );
    assert.deepEqual(
      recording.nodes.map((node) => (node.kind === 'op' ? [node.name, node.op, ...node.inputs] : [node.name])),
      [
        ['input0'],
        ['op1', 'Halves', 'input0:0'],
        ['constant2'],
        ['op3', 'Add', 'op1:1', 'constant2:0'],
        ['op4', 'Mul', 'op3:0', 'op1:0'],
      ],
    );
    assert.deepEqual(recording.outputs, ['op4:0']);
    assert.deepEqual(result.dataSync(), new Float32Array([5]));
  });

  it('writes down no op twice, none on constants alone, and none that is not needed', () => {
    const { recorder, run } = made();
    const x = tf.tensor1d([1, 2]);
    const { recording } = recorder.record(
      [x],
      () => {
        const six = run('Mul', tf.scalar(2), tf.scalar(3));
        run('Mul', x, x);
        return run('Mul', run('Add', x, six), run('Add', x, tf.scalar(6)));
      },
      (output) => [output],
    );
    const needed = neededFor(recording.outputs, recording.nodes);
    assert.deepEqual(
      needed.map((node) => (node.kind === 'op' ? `${node.op} ${node.inputs}` : node.kind)),
      ['input', 'constant', 'Add input0:0,constant2:0', 'Mul op3:0,op3:0'],
    );
    const [six] = needed.filter((node) => node.kind === 'constant');
    assert.deepEqual(six.tensor.values, new Float32Array([6]));
  });

  it('asks again for numbers that vary, and returns inputs and constants through an op', () => {
    const { recorder, run } = made();
    const x = tf.tensor1d([1, 2]);
    let factor = 2;
    const { recording } = recorder.record(
      [x],
      () => [
        run(
          'Mul',
          x,
          recorder.varying(() => factor),
        ),
        x.clone(),
        run('Add', x, recorder.varying(5)),
      ],
      (outputs) => outputs,
    );
    factor = 9;
    assert.deepEqual(
      recording.varying.map((value) => value()),
      [9],
    );
    assert.deepEqual(
      recording.nodes.map((node) => (node.kind === 'op' ? `${node.op} ${node.inputs}` : node.kind)),
      ['input', 'input', 'Mul input0:0,input1:0', 'constant', 'Add input0:0,constant3:0', 'Identity input0:0'],
    );
    assert.deepEqual(recording.outputs, ['op2:0', 'op5:0', 'op4:0']);
  });

  it('refuses to read what it records, and leaves the library as it was, whatever happens', () => {
    const { backend, recorder, run } = made();
    const x = tf.tensor1d([1, 2]);
    const reading = () =>
      recorder.record(
        [x],
        () => backend.readSync(run('Add', x, x).dataId),
        () => [],
      );
    assert.throws(reading, /a compiled function reads a tensor/);
    assert.throws(() => backend.readSync({}), /the library itself/);
    assert.throws(
      () =>
        recorder.record(
          [x],
          () =>
            recorder.record(
              [x],
              () => x,
              () => [],
            ),
          () => [],
        ),
      /calls another/,
    );
  });
});

describe('GraphCompiler', () => {
  const settings = {};

  it('finds a number that varies and does not say so', () => {
    const { backend, recorder, run, library } = made();
    const compiler = new GraphCompiler(backend, recorder);
    const forgetful = (_: object, { x }: { x: tf.Tensor }, { factor }: VaryingNumbers<{ factor: number }>) =>
      run('Mul', x, tf.scalar(now(factor)));
    const call = (factor: number) => compiler.call(forgetful, settings, { x: tf.tensor1d([1, 2]) }, { factor });
    call(2);
    assert.throws(() => call(3), /does not do the same twice: see constant1, which op2 \(Mul\) takes/);
    assert.equal(library.loads.length, 1);
  });

  it('goes on op by op where no folder can be written', () => {
    const { backend, recorder, run, library } = made();
    const compiler = new GraphCompiler(backend, recorder, '/nowhere/at/all');
    const double = (_: object, { x }: { x: tf.Tensor }) => run('Add', x, x);
    for (let i = 1; i <= 4; i++) {
      const y = compiler.call(double, settings, { x: tf.tensor1d([i]) }, {});
      assert.deepEqual(y.dataSync(), new Float32Array([2 * i]));
    }
    assert.deepEqual(library.loads, []);
  });
});
