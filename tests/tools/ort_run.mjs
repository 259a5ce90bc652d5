// Runs networks in ONNX Runtime:
//   node ort_run.mjs MODEL.onnx IN.npy OUT.npy    one network, its first input and output
//   node ort_run.mjs --folder FOLDER              FOLDER/*/model.onnx with in_0.npy ... to out_0.npy ..., or error.txt
// CONVZOO_ORT names the folder with node_modules/onnxruntime-node. Graph optimisations are off, one thread: the plain
// result. Arrays are NPY version 1, little endian.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const require = createRequire(path.join(path.resolve(process.env.CONVZOO_ORT), 'x.js'));
const ort = require('onnxruntime-node');

const kinds = {
  '<f4': ['float32', Float32Array], '<f2': ['float16', Uint16Array], '<i8': ['int64', BigInt64Array],
  '<i4': ['int32', Int32Array], '|b1': ['bool', Uint8Array], '|u1': ['uint8', Uint8Array], '|i1': ['int8', Int8Array],
};

function readNpy(file) {
  const bytes = fs.readFileSync(file);
  const length = bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, 10 + length);
  const [type, View] = kinds[/'descr': '([^']*)'/.exec(header)[1]];
  const dims = /'shape': \(([^)]*)\)/.exec(header)[1].split(',').filter((s) => s.trim()).map(Number);
  const data = bytes.buffer.slice(bytes.byteOffset + 10 + length, bytes.byteOffset + bytes.length);
  return new ort.Tensor(type, new View(data), dims);
}

function writeNpy(file, tensor) {
  const descr = Object.keys(kinds).find((k) => kinds[k][0] === tensor.type);
  const shape = tensor.dims.map((d) => `${d}, `).join('');
  let header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  header = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(header.length, 8);
  const data = Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  fs.writeFileSync(file, Buffer.concat([head, Buffer.from(header, 'latin1'), data]));
}

function open(model) {
  return ort.InferenceSession.create(model, {
    graphOptimizationLevel: 'disabled', intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4,
  });
}

async function runFolder(folder) {
  const file = (name) => path.join(folder, name);
  try {
    const session = await open(file('model.onnx'));
    const feeds = Object.fromEntries(session.inputNames.map((name, i) => [name, readNpy(file(`in_${i}.npy`))]));
    const result = await session.run(feeds);
    session.outputNames.forEach((name, i) => writeNpy(file(`out_${i}.npy`), result[name]));
  } catch (error) {
    fs.writeFileSync(file('error.txt'), String(error.message ?? error));
  }
}

const [first, second, third] = process.argv.slice(2);
if (first === '--folder') {
  for (const name of fs.readdirSync(second).sort()) await runFolder(path.join(second, name));
} else {
  const session = await open(first);
  const result = await session.run({ [session.inputNames[0]]: readNpy(second) });
  writeNpy(third, result[session.outputNames[0]]);
}
