// A device with sockets of UDP, driven by lines on its standard input: `socket address port`
// sends from the socket of that name, which is made on its first use. What comes in is printed:
// `socket address port text`, after a first line of `ready`.
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { createInterface } from 'node:readline';

const sockets = new Map();

function socketOf(name, address) {
  if (!sockets.has(name)) {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    socket.on('message', (bytes, { address, port }) => console.log(`${name} ${address} ${port} ${bytes}`));
    socket.on('error', () => {});
    sockets.set(name, socket);
  }
  return sockets.get(name);
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [name, address, port] = line.split(' ');
    socketOf(name, address).send(name, Number(port), address, () => {});
  })
  .on('close', () => process.exit());

console.log('ready');
