// argv: server helo from subject body tls rcpt...
const [server, helo, from, subject, text, tls, ...to] = process.argv.slice(2);
const { createTransport } = require(process.env.BUILT + '/node_modules/nodemailer');
const t = createTransport({ host: server, port: 25, ignoreTLS: tls !== 'on', tls: { rejectUnauthorized: false }, ...(helo ? { name: helo } : {}) });
t.sendMail({ from, to, subject, text }).catch((e) => { console.error(e.message); process.exitCode = 1; });
