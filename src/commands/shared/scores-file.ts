/** Scores from a file: what `air eval --json` printed, or latents, which are scored now. */
import { parseJson } from '../../core/json.js';
import { AirError } from '../../errors.js';
import type { Io } from '../../io/io.js';
import type { RunScores } from '../../scores/columns.js';
import { checkScores } from '../../scores/scores-json.js';

const OPENING_BRACE = 0x7b;
/** Scores are some kilobytes; what is longer is something else. */
const MAX_JSON_BYTES = 1 << 24;

/** @throws AirError 'badData' if it is neither, empty or damaged */
export async function readScores(file: string, io: Io): Promise<RunScores> {
  const { sniffChunks } = await import('../../formats/sniff.js');
  const { kind, chunks } = await sniffChunks(io.readBytes(file));
  if (kind !== 'unknown') return scoresOfLatents(file, chunks);
  const bytes = await readWhole(file, chunks);
  if (bytes.length > 0 && bytes[0] !== OPENING_BRACE) throw neither(file);
  return parseScores(new TextDecoder().decode(bytes), file);
}

async function scoresOfLatents(name: string, chunks: AsyncIterable<Uint8Array>): Promise<RunScores> {
  const { readStream } = await import('../../formats/stream.js');
  const { Scoreboard } = await import('../../scores/scoreboard.js');
  const board = new Scoreboard();
  for await (const event of readStream(chunks, { name, expect: 'latents' })) {
    if (event.type === 'record') board.add(event.record);
  }
  const { scores } = board;
  if (scores.images === 0) throw new AirError('badData', `${name}: there are no images in it`);
  return scores;
}

async function readWhole(file: string, chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
    if (length > MAX_JSON_BYTES) throw neither(file);
  }
  return Buffer.concat(parts);
}

function parseScores(text: string, file: string): RunScores {
  if (text === '') throw new AirError('badData', `${file}: is empty, expected latents or scores`, WAY_OUT);
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    throw neither(file);
  }
  const checked = checkScores(value);
  if ('scores' in checked) return checked.scores;
  throw new AirError('badData', `${file}: expected latents or scores, got ${checked.wrong}`, WAY_OUT);
}

const WAY_OUT = 'air infer makes latents, air eval --json prints scores';

function neither(file: string): AirError {
  return new AirError('badData', `${file}: expected latents or scores, this is neither`, WAY_OUT);
}
