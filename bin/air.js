#!/usr/bin/env node
import('../dist/main.js').catch((error) => {
  if (error.code !== 'EMFILE') throw error;
  process.stderr.write('air: too many open files\n  this shell lets a process open few files: ulimit -n 1024\n');
  process.exitCode = 74; // io, as everywhere
});
