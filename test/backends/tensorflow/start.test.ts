/** What is said where libtensorflow or CUDA is not, from made-up folders; and, where it is, that there is one tfjs. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { libraryProblem } from '#air/backends/shared-library.js';
import { startBackend } from '#air/backends/start.js';
import { missingCudaLibraries, nvidiaGpus } from '#air/backends/tensorflow/cuda.js';
import { load } from '#air/backends/tensorflow/start.js';
import { AirError } from '#air/errors.js';

const folder = mkdtempSync(join(tmpdir(), 'air-tensorflow-'));
after(() => rmSync(folder, { recursive: true }));

const onLinux = { skip: process.platform === 'linux' ? false : 'names libraries of Linux' };

/** Makes a file below the temporary folder; @returns its path. */
function file(path: string, content: string): string {
  const full = join(folder, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, content);
  return full;
}

function unavailable(message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof AirError);
    assert.equal(error.kind, 'backendUnavailable');
    assert.match(error.message, message);
    assert.equal(error.hint, 'make native');
    return true;
  };
}

describe('load', () => {
  it('says that the package is not there', () => {
    assert.throws(() => load([]), unavailable(/^tensorflow: @tensorflow\/tfjs-node-gpu is not installed$/));
  });

  it('says that the package is there but its library is not', () => {
    file('bare/package.json', '{}');
    const place = { packageFolder: join(folder, 'bare'), tensorflowFolder: undefined };
    assert.throws(() => load([place]), unavailable(/bare has no native library/));
  });

  it('says of the first place why its library does not load, after trying all', () => {
    const broken = file('broken/lib/napi-v8/tfjs_binding.node', 'no library');
    const places = ['broken', 'bare'].map((name) => ({
      packageFolder: join(folder, name),
      tensorflowFolder: undefined,
    }));
    assert.throws(
      () => load(places),
      unavailable(new RegExp(`^tensorflow: ${broken}: .*(too short|invalid ELF|not a mach-o)`, 'i')),
    );
  });

  it('takes the binding for the newest Node-API that this Node has', () => {
    for (const version of [3, 8, 9999]) file(`versions/lib/napi-v${version}/tfjs_binding.node`, '');
    const place = { packageFolder: join(folder, 'versions'), tensorflowFolder: undefined };
    assert.throws(() => load([place]), unavailable(/versions\/lib\/napi-v8\/tfjs_binding.node/));
  });
});

describe('libraries of CUDA', onLinux, () => {
  it('are named by the versions that the wheel was built for', () => {
    const versions = { CUDART: '77', CUBLAS: '78', CUFFT: '79', CUSOLVER: '80', CUSPARSE: '81', CUDNN: '82' };
    const config = Object.entries(versions).map(([part, version]) => `#define TF_${part}_VERSION "${version}"\n`);
    const header = file('site/tensorflow/include/third_party/gpus/cuda/cuda_config.h', config.join(''));
    const missing = missingCudaLibraries(join(header, '../../../../..')) ?? [];
    assert.deepEqual(
      missing.filter((name) => name !== 'libcuda.so.1'),
      [
        ...['libcudart.so.77', 'libcublas.so.78', 'libcublasLt.so.78', 'libcufft.so.79'],
        ...['libcusolver.so.80', 'libcusparse.so.81', 'libcudnn.so.82'],
      ],
    );
  });

  it('are found in the wheels beside the real folder of TensorFlow', () => {
    const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
    const library = sharedObjects.find((name) => /libm\.so/.test(name)) as string;
    file('wheels/tensorflow/include/third_party/gpus/cuda/cuda_config.h', '#define TF_CUDNN_VERSION "82"\n');
    file('wheels/nvidia/cudnn/lib/about', '');
    symlinkSync(join(folder, 'wheels/tensorflow'), join(folder, 'link'));
    assert.ok(missingCudaLibraries(join(folder, 'link'))?.includes('libcudnn.so.82'));
    symlinkSync(library, join(folder, 'wheels/nvidia/cudnn/lib/libcudnn.so.82'));
    assert.ok(!missingCudaLibraries(join(folder, 'link'))?.includes('libcudnn.so.82'));
  });

  it('are none for a wheel without CUDA', () => {
    mkdirSync(join(folder, 'plain/tensorflow'), { recursive: true });
    assert.equal(missingCudaLibraries(join(folder, 'plain/tensorflow')), undefined);
  });

  it('are of CUDA 11 for what the package installs', () => {
    const missing = missingCudaLibraries(undefined) ?? [];
    for (const name of missing) assert.match(name, /^lib(cuda\.so\.1|cu\w+\.so\.(8|10|11|11\.0))$/);
  });
});

describe('nvidiaGpus', () => {
  it('reads models from the files of the driver', () => {
    file('gpus/0000:01:00.0/information', 'Model: \t\t NVIDIA H100 PCIe\nIRQ:   \t\t 42\n');
    assert.deepEqual(nvidiaGpus(join(folder, 'gpus')), ['NVIDIA H100 PCIe']);
    assert.deepEqual(nvidiaGpus(join(folder, 'nowhere')), []);
  });
});

describe('libraryProblem', onLinux, () => {
  it('finds a library that Node itself uses', () => {
    assert.equal(libraryProblem('libm.so.6'), undefined);
  });

  it('names a library that is not there', () => {
    assert.match(libraryProblem('libair-nowhere.so.7') ?? '', /^libair-nowhere\.so\.7: /);
  });
});

const isAsked = (process.env.AIR_TEST_BACKENDS ?? '').split(',').includes('tensorflow');

describe('libtensorflow', { skip: isAsked ? false : 'make test-native' }, () => {
  it('computes with the tfjs of this program', async () => {
    const { detail, identity } = await startBackend('tensorflow');
    assert.match(detail, /^libtensorflow \d+\.\d+\.\d+ on [CG]PU/);
    assert.match(identity, /^tensorflow-\d+\.\d+\.\d+-[cg]pu$/);
    assert.equal(tf.getBackend(), 'tensorflow');
    const { kernels } = await tf.profile(() => tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).data());
    assert.ok(kernels.some(({ name }) => name === 'BatchMatMul'));
    assert.equal(tf.backend().constructor.name, 'NodeJSKernelBackend');
  });
});
