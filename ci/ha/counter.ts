/** The template whose sessions the scenarios create. */
export const TEMPLATE = 'counter';

/**
 * The program of those sessions: an RFB 3.8 screen that shows another number every 50 ms, in the colour of its pixels. A viewer's
 * bytes never cease, and the number shows whether the program is still the same.
 */
export const COUNTER = `
const { createServer } = require('node:net');
const SIDE = 32, began = Date.now();
createServer({ noDelay: true }, (socket) => {
  let held = Buffer.alloc(0), step = 0, wanted = false, timer;
  socket.on('error', () => {}).on('close', () => clearInterval(timer));
  socket.write('RFB 003.008\\n');
  const need = () => {
    if (step < 3) return [12, 1, 1][step];
    const type = held[0];
    if (type === 2) return held.length < 4 ? 4 : 4 + 4 * held.readUInt16BE(2);
    if (type === 6) return held.length < 8 ? 8 : 8 + held.readUInt32BE(4);
    return { 0: 20, 3: 10, 4: 8, 5: 6 }[type] ?? 1;
  };
  socket.on('data', (data) => {
    held = Buffer.concat([held, data]);
    while (held.length > 0 && held.length >= need()) {
      const message = held.subarray(0, need());
      held = held.subarray(message.length);
      if (step === 0) socket.write(Buffer.of(1, 1));
      if (step === 1) socket.write(Buffer.alloc(4));
      if (step === 2) {
        const init = Buffer.alloc(31);
        init.writeUInt16BE(SIDE, 0); init.writeUInt16BE(SIDE, 2);
        Buffer.from([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0]).copy(init, 4);
        init.writeUInt32BE(7, 20); init.write('counter', 24);
        socket.write(init);
        timer = setInterval(() => {
          if (!wanted) return;
          wanted = false;
          const frame = Buffer.alloc(16 + 4 * SIDE * SIDE);
          frame.writeUInt16BE(1, 2); frame.writeUInt16BE(SIDE, 8); frame.writeUInt16BE(SIDE, 10);
          const number = Math.floor((Date.now() - began) / 50) & 0xffffff;
          for (let at = 16; at < frame.length; at += 4) frame.writeUInt32LE(number, at);
          socket.write(frame);
        }, 50);
      }
      if (step === 3 && message[0] === 3) wanted = true;
      if (step < 3) step++;
    }
  });
}).listen(5900);
process.on('SIGTERM', () => process.exit(0));
`;
