/** A training thread besides the first (see step-pool.ts). */
import * as tf from '@tensorflow/tfjs';
import { startWasm } from '../backends/wasm/start.js';
import { mayClip } from '../train/learner.js';
import { StepHand } from './step-hand.js';
import type { StepReply, StepRequest, StepSetup } from './step-pool.js';
import { answerRequests, threadSetup } from './thread.js';

const { commons, me } = threadSetup<StepSetup>();
tf.enableProdMode();
await startWasm({ relaxedSimd: commons.relaxedSimd ? 'on' : 'off' });
const hand = new StepHand(commons, me);
let isBehind = false;

answerRequests(async (request: StepRequest): Promise<StepReply> => {
  switch (request.ask) {
    case 'parts': {
      if (isBehind) hand.takeOver();
      isBehind = true;
      return { said: await hand.takeParts(request.batch) };
    }
    case 'sum': {
      const squares = await hand.sumShare(request.isMeasured);
      if (!mayClip(commons.settings)) hand.moveShare({});
      return { squares };
    }
    case 'move':
      hand.moveShare(request.norms);
      return {};
    case 'moments':
      await hand.tellMoments();
      return {};
  }
});
