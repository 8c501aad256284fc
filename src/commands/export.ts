/** `air export`: what air has made, in the format of another program. */
import { choice, defineCommand, flagName, usage } from '../cli/command.js';
import type { ModelConfig } from '../core/config.js';
import type { Lacking } from '../train/pyro/to-pyro.js';
import { output } from './shared/options.js';
import { asTyped } from './train/options.js';

export const exportFile = defineCommand({
  name: 'export',
  summary: "write a model as the state_dict of Pyro's AIR example",
  description: `Writes the weights of a model, those of the baseline included if it has one, and the priors of z_where, as
    safetensors that the class AIR of Pyro's example (examples/air) loads. It says how the class is to be called first,
    since a state_dict does not: in Python, with pip install pyro-ppl safetensors,
    air = AIR(...); air.load_state_dict(safetensors.torch.load_file("pyro.safetensors")), and strict=False beside it if
    there is no baseline. Pyro's guide looks at the image, straight or through an embedding: other models are refused.`,
  operands: [{ name: 'MODEL', help: 'made by air train or air import; - is stdin', required: true }],
  options: {
    format: choice(['pyro'], { group: 'Output', default: 'pyro', help: 'whose format' }),
    output: output({ help: 'write it here' }),
  },
  examples: [
    { command: 'air export air.safetensors -o pyro.safetensors', help: 'a model for Pyro' },
    {
      command:
        'air train scenes.air --guide-input image --embed-net none --estimator nvil && air export air.safetensors -o pyro.safetensors',
      help: "one whose guide is Pyro's, with a baseline",
    },
  ],
  seeAlso: ['import', 'train'],
  async run({ options, operands }, io) {
    const { readCheckpoint } = await import('./shared/model-file.js');
    const { hasPyroBaseline, lackingInPyro, pyroCall, toPyro } = await import('../train/pyro/to-pyro.js');
    const { encodeSafetensors } = await import('../formats/safetensors.js');
    const out = await io.openOutput(options.output, { binary: true });
    const { config, training, params } = await readCheckpoint(operands.MODEL, io);
    checkCounterparts(config, lackingInPyro(config), operands.MODEL);
    const settings = { config, training };
    const tensors = toPyro(settings, params);
    await out.write(encodeSafetensors(tensors, { format: 'pt' }));
    await out.finish();
    const baseline = hasPyroBaseline(settings) ? '' : ', without a baseline (strict=False)';
    io.messages.info(`${tensors.size} tensors${baseline}, for ${pyroCall(settings)}`);
  },
});

/** @throws AirError 'usage' if Pyro's class cannot be such a model */
function checkCounterparts(config: ModelConfig, lacking: readonly Lacking[], name: string): void {
  const { canvas } = config;
  if (canvas[0] !== canvas[1]) {
    const size = canvas.join(' x ');
    throw usage(
      `${name}: takes images of ${size} px, and those of Pyro's class are square`,
      'pad images, and train on those',
    );
  }
  if (lacking.length === 0) return;
  const [{ key, only }] = lacking;
  const flag = `--${flagName(key)}`;
  throw usage(
    `${name}: ${flag} is ${asTyped(key, config[key])}, and Pyro's class knows ${asTyped(key, only)} alone`,
    `train a model with ${lacking.map((one) => `--${flagName(one.key)} ${asTyped(one.key, one.only)}`).join(' ')}`,
  );
}
