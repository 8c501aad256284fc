/**
 * Kernels for libtensorflow, where an op costs 10-15 us before it computes anything: fewer and larger ones than the plain
 * composites. Attention is TensorFlow's own CropAndResize, which samples bilinearly at evenly spaced points, the first and
 * last of which a box names; images get a border of zeros first, since it has no zero padding.
 */
import * as tf from '@tensorflow/tfjs';

type OpAttr = { name: string; type: number; value: unknown };

type TensorflowBackend = tf.KernelBackend & {
  binding: { TF_ATTR_TYPE: number; TF_ATTR_STRING: number; TF_ATTR_FLOAT: number; TF_FLOAT: number };
  executeSingleOutput(name: string, attrs: OpAttr[], inputs: tf.TensorInfo[]): tf.Tensor;
};

type Call = Parameters<tf.KernelFunc>[0];

/**
 * Index of the last pixel of a side with its border: one zero before, one or more after. A power of two, so that the
 * multiplications and divisions by it that make sampling points of boxes and boxes of points are exact.
 */
function lastOf(side: number): number {
  return 2 ** Math.ceil(Math.log2(side + 1));
}

/** [1, 4] of what a box holds, (y first, x first, y last, x last): a value by side, height first. */
function perCorner(height: number, width: number): tf.Tensor2D {
  return tf.tensor2d([[height, width, height, width]]);
}

/** [1, 4] centres of the first and last pixel of a side on normalised coordinates, in the order of a box. */
function corners(height: number, width: number): tf.Tensor2D {
  const [y, x] = [1 - 1 / height, 1 - 1 / width];
  return tf.tensor2d([[-y, -x, y, x]]);
}

/** [3, 4], zWhere -> (y, x, y, x). */
function positions(): tf.Tensor2D {
  return tf.tensor2d([0, 0, 0, 0, 0, 1, 0, 1, 1, 0, 1, 0], [3, 4]);
}

/** [3, 4], zWhere -> s (y, x, y, x of the corners of a canvas) + (y, x, y, x of zWhere). */
function placing(height: number, width: number): tf.Tensor2D {
  const [y, x] = [1 - 1 / height, 1 - 1 / width];
  return tf.tensor2d([-y, -x, y, x, 0, 1, 0, 1, 1, 0, 1, 0], [3, 4]);
}

/**
 * Normalised coordinates [B, 4] to CropAndResize's boxes, in which 0 and 1 are the centres of the first and the last
 * pixel of an image with its border: ((u + 1) side/2 - 1/2 + 1) / last.
 */
function boxesOf(coordinates: tf.Tensor2D, height: number, width: number): tf.Tensor2D {
  const [y, x] = [lastOf(height), lastOf(width)];
  const shift = perCorner((height + 1) / 2 / y, (width + 1) / 2 / x);
  return tf.add(tf.mul(coordinates, perCorner(height / 2 / y, width / 2 / x)), shift);
}

/** Gradient by the normalised coordinates, from that by the boxes. */
function throughBoxes(dBoxes: tf.Tensor2D, height: number, width: number): tf.Tensor2D {
  return tf.mul(dBoxes, perCorner(height / 2 / lastOf(height), width / 2 / lastOf(width)));
}

/** [B, H, W] with its border, as an image of one channel. */
function bordered(images: tf.Tensor3D): tf.Tensor4D {
  const [, height, width] = images.shape;
  const sides = [height, width].map((side): [number, number] => [1, lastOf(side) - side]);
  return tf.expandDims(tf.pad(images, [[0, 0], ...sides]), 3);
}

/** Bilinear samples of each image: [B, height, width]. */
function crop(images: tf.Tensor3D, boxes: tf.Tensor2D, height: number, width: number): tf.Tensor3D {
  const each = tf.range(0, images.shape[0], 1, 'int32');
  return tf.squeeze(tf.image.cropAndResize(bordered(images), boxes, each, [height, width], 'bilinear', 0), [3]);
}

/** Gradient of `crop` by the boxes, [B, 4]. */
function cropGradBoxes(
  backend: TensorflowBackend,
  dy: tf.Tensor3D,
  images: tf.Tensor3D,
  boxes: tf.Tensor2D,
): tf.Tensor2D {
  const each = tf.range(0, images.shape[0], 1, 'int32');
  return backend.executeSingleOutput('CropAndResizeGradBoxes', attributes(backend), [
    tf.expandDims(dy, 3),
    bordered(images),
    boxes,
    each,
  ]) as tf.Tensor2D;
}

/** Gradient of `crop` by the images, [B, height, width]. */
function cropGradImage(
  backend: TensorflowBackend,
  dy: tf.Tensor3D,
  boxes: tf.Tensor2D,
  [batch, height, width]: [number, number, number],
): tf.Tensor3D {
  const each = tf.range(0, batch, 1, 'int32');
  const size = tf.tensor1d([batch, lastOf(height) + 1, lastOf(width) + 1, 1], 'int32');
  const inputs = [tf.expandDims(dy, 3), boxes, each, size];
  const grad = backend.executeSingleOutput('CropAndResizeGradImage', attributes(backend), inputs);
  return tf.slice(tf.squeeze(grad, [3]), [0, 1, 1], [batch, height, width]) as tf.Tensor3D;
}

function attributes({ binding }: TensorflowBackend): OpAttr[] {
  return [ofFloats(binding), { name: 'method', type: binding.TF_ATTR_STRING, value: 'bilinear' }];
}

function ofFloats(binding: TensorflowBackend['binding']): OpAttr {
  return { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
}

/** An op of TensorFlow's that takes and gives float tensors and has no other attribute. */
function floatOp(backend: TensorflowBackend, name: string, ...inputs: tf.Tensor[]): tf.Tensor2D {
  return backend.executeSingleOutput(name, [ofFloats(backend.binding)], inputs) as tf.Tensor2D;
}

/** (corner of the window - position) / scale: where the corners of a window lie in the image, [B, 4]. */
function reading(zWhere: tf.Tensor2D, height: number, width: number, minScale: number) {
  const scale = tf.maximum(tf.slice(zWhere, [0, 0], [-1, 1]), minScale) as tf.Tensor2D;
  const coordinates = tf.div(tf.sub(corners(height, width), tf.matMul(zWhere, positions())), scale) as tf.Tensor2D;
  return { scale, coordinates };
}

const kernels: { [name: string]: (call: Call, backend: TensorflowBackend) => tf.Tensor | tf.Tensor[] } = {
  AirDense({ inputs, attrs }, backend) {
    const [x, weight, bias] = [inputs.x as tf.Tensor2D, inputs.weight as tf.Tensor2D, inputs.bias as tf.Tensor1D];
    const shifted = attrs?.shift === 0 ? bias : tf.add(bias, attrs?.shift as number);
    const pre = floatOp(backend, 'BiasAdd', tf.matMul(x, weight, false, true), shifted);
    if (attrs?.activation === 'relu') return tf.relu(pre);
    return attrs?.activation === 'sigmoid' ? tf.sigmoid(pre) : pre;
  },

  AirDenseGrad({ inputs, attrs }, backend) {
    const [dy, y, x] = [inputs.dy as tf.Tensor2D, inputs.y as tf.Tensor2D, inputs.x as tf.Tensor2D];
    let dPre = dy.clone();
    if (attrs?.activation === 'relu') dPre = floatOp(backend, 'ReluGrad', dy, y);
    if (attrs?.activation === 'sigmoid') dPre = floatOp(backend, 'SigmoidGrad', y, dy);
    return [dPre, tf.matMul(dPre, x, true, false), floatOp(backend, 'BiasAddGrad', dPre)];
  },

  AirAdam({ inputs, attrs }) {
    const [param, grad, m, v] = ['param', 'grad', 'm', 'v'].map((name) => inputs[name] as tf.Tensor);
    const { rate, beta1, beta2, epsilon, correction1, correction2 } = attrs as unknown as { [name: string]: number };
    const mNext = tf.add(tf.mul(m, beta1), tf.mul(grad, 1 - beta1));
    const vNext = tf.add(tf.mul(v, beta2), tf.mul(tf.square(grad), 1 - beta2));
    // both corrections in one factor: m / c1 / (sqrt(v / c2) + epsilon) = sqrt(c2) / c1 * m / (sqrt(v) + sqrt(c2) epsilon)
    const root = Math.sqrt(correction2);
    const step = tf.div(mNext, tf.add(tf.sqrt(vNext), root * epsilon));
    return [tf.sub(param, tf.mul(step, (rate * root) / correction1)), mNext, vNext];
  },

  AirReadWindows({ inputs, attrs }) {
    const [images, zWhere] = [inputs.images as tf.Tensor3D, inputs.zWhere as tf.Tensor2D];
    const [height, width] = [Number(attrs?.height), Number(attrs?.width)];
    const { coordinates } = reading(zWhere, height, width, Number(attrs?.minScale));
    return crop(images, boxesOf(coordinates, images.shape[1], images.shape[2]), height, width);
  },

  AirReadWindowsGrad({ inputs, attrs }, backend) {
    const [dy, images, zWhere] = [inputs.dy as tf.Tensor3D, inputs.images as tf.Tensor3D, inputs.zWhere as tf.Tensor2D];
    const [, imageHeight, imageWidth] = images.shape;
    const [, height, width] = dy.shape;
    const minScale = Number(attrs?.minScale);
    const { scale, coordinates } = reading(zWhere, height, width, minScale);
    const dBoxes = cropGradBoxes(backend, dy, images, boxesOf(coordinates, imageHeight, imageWidth));
    const d = tf.div(throughBoxes(dBoxes, imageHeight, imageWidth), scale) as tf.Tensor2D; // by corner - position
    const dPosition = tf.matMul(d, positions(), false, true); // 0, x, y
    const free = tf.step(tf.sub(scale, minScale));
    const dScale = tf.mul(tf.sum(tf.mul(d, coordinates), 1, true), free);
    return tf.neg(tf.add(dPosition, tf.mul(dScale, [[1, 0, 0]])));
  },

  AirPlaceWindows({ inputs, attrs }) {
    const [windows, zWhere] = [inputs.windows as tf.Tensor3D, inputs.zWhere as tf.Tensor2D];
    const [height, width] = [Number(attrs?.height), Number(attrs?.width)];
    const coordinates: tf.Tensor2D = tf.matMul(zWhere, placing(height, width));
    return crop(windows, boxesOf(coordinates, windows.shape[1], windows.shape[2]), height, width);
  },

  AirPlaceWindowsGrad({ inputs }, backend) {
    const [dy, windows, zWhere] = [
      inputs.dy as tf.Tensor3D,
      inputs.windows as tf.Tensor3D,
      inputs.zWhere as tf.Tensor2D,
    ];
    const [, height, width] = windows.shape;
    const place = placing(dy.shape[1], dy.shape[2]);
    const boxes = boxesOf(tf.matMul(zWhere, place), height, width);
    const dCoordinates = throughBoxes(cropGradBoxes(backend, dy, windows, boxes), height, width);
    return [cropGradImage(backend, dy, boxes, windows.shape), tf.matMul(dCoordinates, place, false, true)];
  },

  AirResidual({ inputs, attrs }) {
    const [images, canvas] = [inputs.images as tf.Tensor3D, inputs.canvas as tf.Tensor3D];
    const pool = Number(attrs?.pool);
    const rest = tf.sub(images, canvas) as tf.Tensor3D;
    const [batch, height, width] = rest.shape;
    if (pool === 1) return tf.reshape(rest, [batch, -1]);
    // the rows of one row of squares are one row here; a product with 1/pool^2 where a pixel belongs to a square
    const [down, across] = [Math.floor(height / pool), Math.floor(width / pool)];
    const means = new Float32Array(pool * width * across);
    for (let i = 0; i < pool * width; i++) {
      const square = Math.floor((i % width) / pool);
      if (square < across) means[i * across + square] = 1 / (pool * pool);
    }
    const whole = down * pool === height ? rest : tf.slice(rest, [0, 0, 0], [batch, down * pool, width]);
    const rows = tf.reshape(whole, [batch * down, pool * width]);
    const product = tf.matMul(rows as tf.Tensor2D, tf.tensor2d(means, [pool * width, across]));
    return tf.reshape(product, [batch, down * across]);
  },
};

/** Registers the kernels, once; those of core that are not among them run as plain ops. */
export function registerKernels(): void {
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    tf.registerKernel({
      kernelName,
      backendName: 'tensorflow',
      kernelFunc: (call) => tf.tidy(() => kernel(call, call.backend as TensorflowBackend)),
    });
  }
  // tfjs's own takes five ops and an array of ones from the host
  const step = tf.getKernel('Step', 'tensorflow').kernelFunc;
  tf.unregisterKernel('Step', 'tensorflow');
  tf.registerKernel({
    kernelName: 'Step',
    backendName: 'tensorflow',
    kernelFunc: (call) =>
      call.attrs?.alpha === 0 ? tf.tidy(() => tf.relu(tf.sign(call.inputs.x as tf.Tensor))) : step(call),
  });
}
