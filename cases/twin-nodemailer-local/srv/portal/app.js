'use strict';
// Invitations for people who work here. Mail goes through the server on this host.
const http = require('http');
const nodemailer = require('nodemailer');
const transport = nodemailer.createTransport({ host: 'localhost', port: 25, ignoreTLS: true });

http.createServer((request, response) => {
  let body = '';
  request.on('data', (piece) => { body += piece; });
  request.on('end', async () => {
    const to = new URLSearchParams(body).get('mail');
    try {
      await transport.sendMail({ from: 'panel@barnehage.example', to, subject: 'Your access', text: 'Please choose a password within two days.' });
      response.end('invited\n');
    } catch (error) {
      response.statusCode = 500;
      response.end(String(error) + '\n');
    }
  });
}).listen(8090);
