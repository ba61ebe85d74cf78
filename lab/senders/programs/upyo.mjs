// argv: server helo from subject body tls rcpt...
const { SmtpTransport } = await import(process.env.BUILT + '/node_modules/@upyo/smtp/dist/index.js');
const { createMessage } = await import(process.env.BUILT + '/node_modules/@upyo/core/dist/index.js');
const [server, helo, from, subject, text, tls, ...to] = process.argv.slice(2);
const t = new SmtpTransport({ host: server, port: 25, secure: false, pool: false, ...(helo ? { localName: helo } : {}) });
const receipt = await t.send(createMessage({ from, to, subject, content: { text } }));
await t.closeAllConnections?.();
if (!receipt.successful) { console.error(receipt.errorMessages.join(' ')); process.exitCode = 1; }
