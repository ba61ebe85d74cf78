// argv: server helo from subject body tls rcpt...
import { createRequire } from 'node:module';
const { SMTPClient, Message } = await import(process.env.BUILT + '/node_modules/emailjs/' + createRequire(import.meta.url)(process.env.BUILT + '/node_modules/emailjs/package.json').main);
const [server, helo, from, subject, text, tls, ...to] = process.argv.slice(2);
const client = new SMTPClient({ host: server, port: 25, tls: tls === 'on' ? { rejectUnauthorized: false } : false, ...(helo ? { domain: helo } : {}) });
client.send(new Message({ from, to: to.join(', '), subject, text }), (e) => { if (e) { console.error(e.message); process.exitCode = 1; } client.smtp.quit(); });
