/** A thread that makes chunks of scenes (see scene-maker.ts). */
import { type SceneChunk, SceneMaker, type ScenePart, type SceneSetup } from './scene-maker.js';
import { answerRequests, threadSetup } from './thread.js';

const maker = new SceneMaker(threadSetup<SceneSetup>());

answerRequests(
  async (part: ScenePart): Promise<SceneChunk> => maker.make(part),
  ({ records }) => [records.buffer],
);
