/** Which GPUs of NVIDIA are here, and which of the libraries that TensorFlow drives them with are not. */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { libraryProblem } from '../shared-library.js';

/** The driver, which no wheel brings. */
export const DRIVER = 'libcuda.so.1';

/** What libtensorflow 2.9.1 of the tfjs project is built for: CUDA 11.2 and cuDNN 8. */
const CUDA_11: readonly string[] = [
  ...['libcudart.so.11.0', 'libcublas.so.11', 'libcublasLt.so.11', 'libcufft.so.10', 'libcurand.so.10'],
  ...['libcusolver.so.11', 'libcusparse.so.11', 'libcudnn.so.8'],
];

/** Whether a GPU for CUDA may be here: a file of its driver is, on Linux itself or below Windows. Costs nothing. */
export function mayHaveCuda(): boolean {
  return ['/dev/nvidiactl', '/proc/driver/nvidia/gpus', '/dev/dxg'].some((file) => existsSync(file));
}

/** Models of the GPUs that the kernel's driver shows, such as "NVIDIA H100 PCIe". */
export function nvidiaGpus(folder = '/proc/driver/nvidia/gpus'): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((gpu) => {
    const about = readFileSync(join(folder, gpu, 'information'), 'utf8');
    return /^Model:\s*(.*)$/m.exec(about)?.[1] ?? 'NVIDIA GPU';
  });
}

/**
 * File names of the CUDA libraries that a libtensorflow needs and the system's loader does not find.
 *
 * @param tensorflowFolder the folder of a wheel; undefined for libtensorflow 2.9.1 of the tfjs project
 * @returns undefined if it is built without CUDA
 */
export function missingCudaLibraries(tensorflowFolder: string | undefined): string[] | undefined {
  const names = tensorflowFolder === undefined ? CUDA_11 : cudaLibraries(tensorflowFolder);
  if (names === undefined) return undefined;
  const bundled = tensorflowFolder === undefined ? [] : bundledFolders(tensorflowFolder);
  return [DRIVER, ...names].filter((name) => {
    const files = [...bundled.map((folder) => join(folder, name)).filter((file) => existsSync(file)), name];
    return files.every((file) => libraryProblem(file) !== undefined);
  });
}

/** By the versions in the wheel's `cuda_config.h`, as its loader puts the names together; undefined without CUDA. */
function cudaLibraries(tensorflowFolder: string): string[] | undefined {
  const file = join(tensorflowFolder, 'include/third_party/gpus/cuda/cuda_config.h');
  const config = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const libraries = ['cudart', 'cublas', 'cublasLt', 'cufft', 'cusolver', 'cusparse', 'cudnn'].flatMap((name) => {
    const part = name === 'cublasLt' ? 'CUBLAS' : name.toUpperCase();
    const version = new RegExp(`^#define TF_${part}_VERSION "(.+)"$`, 'm').exec(config)?.[1];
    return version === undefined ? [] : [`lib${name}.so.${version}`];
  });
  return libraries.length === 0 ? undefined : libraries;
}

/** `nvidia/NAME/lib` beside the wheel's folder, where the wheels of CUDA unpack. */
function bundledFolders(tensorflowFolder: string): string[] {
  const folder = join(realpathSync(tensorflowFolder), '..', 'nvidia');
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name, 'lib')) : [];
}
