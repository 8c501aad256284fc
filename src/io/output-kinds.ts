/**
 * What outputs are, and the endings of names that say so: for every command that writes to -o. A name says what is in a file, or it is
 * refused; one whose ending says nothing may hold anything. Imports nothing that computes: commands load it with their tables.
 */
import { AirError } from '../errors.js';

type Kind = {
  /** As it is called in messages. */
  is: string;
  /** What its names end in; the first is the one that is recommended. None: any that says nothing else. */
  endings: readonly string[];
  /** It is not for terminals. */
  isBinary: boolean;
};

/** It may hold whatever can be read. */
const TEXT = 'txt';

const KINDS = {
  stream: { is: 'a stream', endings: ['air'], isBinary: true },
  tensors: { is: 'safetensors', endings: ['safetensors'], isBinary: true },
  npz: { is: 'an .npz archive', endings: ['npz'], isBinary: true },
  png: { is: 'a PNG', endings: ['png'], isBinary: true },
  svg: { is: 'an SVG', endings: ['svg'], isBinary: false },
  html: { is: 'an HTML page', endings: ['html', 'htm'], isBinary: false },
  json: { is: 'JSON', endings: ['json'], isBinary: false },
  lines: { is: 'JSON lines', endings: ['jsonl', 'ndjson'], isBinary: false },
  csv: { is: 'CSV', endings: ['csv'], isBinary: false },
  markdown: { is: 'Markdown', endings: ['md', 'markdown'], isBinary: false },
  text: { is: 'text', endings: [TEXT], isBinary: false },
} as const satisfies { [name: string]: Kind };

export type OutputKind = keyof typeof KINDS;

/** Endings of what no command writes. */
const OTHERS = [
  ...['jpg', 'jpeg', 'gif', 'webp', 'bmp', 'tif', 'tiff', 'pdf', 'eps', 'ps', 'mp4'],
  ...['npy', 'pt', 'pth', 'ckpt', 'onnx', 'h5', 'hdf5', 'pkl', 'msgpack', 'parquet', 'tfrecord'],
  ...['tsv', 'xls', 'xlsx', 'yaml', 'yml', 'xml', 'tex', 'docx'],
  ...['gz', 'bz2', 'xz', 'zst', 'zip', 'tar', 'tgz'],
];

/** Where somebody may have wanted to go who gave a stream such a name. */
const FROM_STREAMS: { readonly [ending: string]: string } = {
  png: 'air render draws it',
  svg: 'air render draws it, as PNG',
  json: 'air view prints it as JSON lines',
  jsonl: 'air view prints it as JSON lines',
  npz: 'air export makes arrays of scenes',
  npy: 'air export makes arrays of scenes',
  gz: 'or send it through gzip',
};

export function isBinary(kind: OutputKind): boolean {
  return KINDS[kind].isBinary;
}

/** What a name ends in, after the last dot of its last part, in lower case. */
function endingOf(file: string): string {
  return /[^/]\.([^./]+)$/.exec(file)?.[1].toLowerCase() ?? '';
}

/**
 * As which of some kinds a file is written: as the one that its name says, the first if that says nothing.
 *
 * @param file undefined and `-` are stdout
 * @throws AirError 'usage' if its name says that it is another
 */
export function writtenAs<K extends OutputKind>(file: string | undefined, kinds: readonly [K, ...K[]]): K {
  const ending = endingOf(file ?? '');
  const isOf = (kind: OutputKind): boolean => (KINDS[kind].endings as readonly string[]).includes(ending);
  const named = kinds.find(isOf) ?? (ending === TEXT && !isBinary(kinds[0]) ? kinds[0] : undefined);
  const isNews = !OTHERS.includes(ending) && !(Object.keys(KINDS) as OutputKind[]).some(isOf);
  if (named !== undefined || isNews) return named ?? kinds[0];
  const stem = (file as string).slice(0, -ending.length - 1);
  const names = kinds.map((kind) =>
    endingOf(stem) === KINDS[kind].endings[0] ? stem : `${stem}.${KINDS[kind].endings[0]}`,
  );
  const elsewhere = kinds.includes('stream' as K) ? FROM_STREAMS[ending] : undefined;
  throw new AirError(
    'usage',
    `-o ${file}: expected a name for ${kinds.map((kind) => KINDS[kind].is).join(' or ')}, got one that ends in .${ending}`,
    `name it ${names.join(' or ')}${elsewhere ? `; ${elsewhere}` : ''}`,
  );
}
