// A proxy in front of the server that breaks one thing on its way, and the faults that it knows.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { request } from 'node:https';
import { pipeline } from 'node:stream';

const lines = (sdp, keep) => sdp.split('\r\n').filter(keep).join('\r\n');
const link = (reply, value) => { reply.headers.link = [reply.headers.link ?? []].flat().concat(value); };
const isOpened = (role) => (ask, reply) => ask.method === 'POST' && ask.url.endsWith(`/${role}`) && reply.status === 201;
const [isPublished, isWatched] = [isOpened('whip'), isOpened('whep')];
const isPatch = ({ method }) => method === 'PATCH';
const isFragment = (ask) => isPatch(ask) && ask.headers['content-type'] === 'application/trickle-ice-sdpfrag';
const isWhip = ({ method, url }) => method === 'POST' && url.endsWith('/whip');
const refuses = (is, status) => ({ reply: (ask) => (is(ask) ? { status, headers: {}, body: '' } : undefined) });
const retells = (is, tell) => ({ tell: (ask, reply, memory) => { if (is(ask, reply)) tell(reply, ask, memory); } });

/// One for each row of `helio conform`: a server that is broken in this and nothing else.
/// `reply` answers in the server's place, `ask` changes a request, `tell` a reply.
export const FAULTS = {
  W1: retells(isPublished, (reply) => { reply.headers['content-type'] = 'text/plain'; }),
  W2: refuses((ask) => isWhip(ask) && ask.headers['content-type'] === 'text/plain', 500),
  W3: { ask: (ask) => { ask.body = ask.body.replaceAll('a=inactive', 'a=sendonly'); } },
  W4: retells(isPublished, (reply) => { reply.body = lines(reply.body, (line) => !line.startsWith('a=candidate:')); }),
  W5: retells(isPublished, (reply) => { reply.body = lines(reply.body, (line) => line !== 'a=rtcp-mux'); }),
  W6: refuses((ask) => isWhip(ask) && ask.body.includes('m=application'), 500),
  W7: retells(isPublished, (reply) => { reply.body = reply.body.replace(/m=video \d+/, 'm=video 0'); }),
  W8: retells((ask, reply) => isPublished(ask, reply) && ask.body.includes('a=setup:passive'), (reply) => {
    reply.body = reply.body.replaceAll('a=setup:active', 'a=setup:passive');
  }),
  W9: refuses(({ method, url }) => method === 'GET' && url.endsWith('/whip'), 500),
  W10: retells(({ method, headers }) => method === 'OPTIONS' && !headers.origin, (reply) => { delete reply.headers['accept-post']; }),
  W11: refuses(({ method, headers }) => method === 'OPTIONS' && headers.origin, 401),
  W12: refuses((ask) => isPatch(ask) && !ask.headers.authorization, 204),
  W13: {
    ask: (ask) => { if (ask.headers['if-match']) ask.headers['if-match'] = ask.headers['if-match'].replace('W/', ''); },
    ...retells(isPublished, (reply) => { reply.headers.etag = `W/${reply.headers.etag}`; }),
  },
  W14: refuses((ask) => isPatch(ask) && ask.headers['content-type'] === 'application/json', 500),
  W15: retells((ask, reply) => isPatch(ask) && reply.status === 204, (reply) => { reply.headers.etag = '"another"'; }),
  W16: refuses((ask) => isFragment(ask) && ask.headers.authorization && !ask.headers['if-match'], 204),
  W18: refuses((ask) => isPatch(ask) && ask.body.includes('.local '), 400),
  W19: refuses((ask) => isPatch(ask) && ask.headers['if-match'] === '"*"', 412),
  W20: {
    reply: (ask, memory) => (isPatch(ask) && memory.lost === ask.url ? { status: 404, headers: {}, body: '' } : undefined),
    ...retells((ask, reply) => isPatch(ask) && ask.body.includes('a=ice-ufrag:x\r\n') && reply.status === 400, (_, ask, memory) => { memory.lost = ask.url; }),
  },
  W21: retells((ask, reply) => isPatch(ask) && reply.status === 200, (reply) => { reply.body = lines(reply.body, (line) => !line.startsWith('a=candidate:')); }),
  W22: retells(({ method }, { status }) => method === 'DELETE' && status === 404, (reply) => { reply.status = 200; }),
  W23: retells(({ method }, { status }) => method === 'GET' && status === 404, (reply) => { reply.status = 204; reply.body = ''; }),
  W24: {
    reply: (ask, memory) => {
      memory.asked = (memory.asked ?? 0) + 1;
      return memory.asked === 1 ? { status: 503, headers: {}, body: '' } : undefined;
    },
  },
  W25: retells(isPublished, (reply) => { delete reply.headers['access-control-expose-headers']; }),
  W26: {
    ask: (ask, memory) => { ask.url = memory[ask.url] ?? ask.url; },
    ...retells(isPublished, (reply, ask, memory) => {
      memory.count = (memory.count ?? 0) + 1;
      memory[`${ask.url}/${memory.count}`] = reply.headers.location;
      reply.headers.location = `${ask.url}/${memory.count}`;
    }),
  },
  W27: retells((ask, reply) => isPublished(ask, reply) && ask.body.includes('a=simulcast:'), (reply) => {
    reply.body = `${lines(reply.body, (line) => line !== '' && !line.startsWith('a=simulcast:'))}\r\na=simulcast:send q\r\n`;
  }),
  W28: retells(isWatched, (reply) => link(reply, 'urn:ietf:params:whep:ext:of-nobody')),
  W29: retells((_, { status }) => status >= 400 && status !== 406, (reply) => { reply.headers['content-type'] = 'text/plain'; }),
  W30: retells(isWatched, (reply) => { reply.body = reply.body.replaceAll(/^(a=candidate:(?:\S+ ){5})\d+/gm, '$19'); }),
  E1: retells((_, { status }) => status === 406, (reply) => { delete reply.headers.location; }),
  E2: retells((_, { status }) => status === 409, (reply) => { delete reply.headers['retry-after']; }),
  E3: retells(({ method }) => method === 'HEAD', (reply) => { delete reply.headers['content-type']; }),
  E4: retells(isWatched, (reply) => { reply.body = reply.body.replace(/a=msid:\S+/, 'a=msid:another'); }),
  E5: retells((ask, { status }) => ask.url.endsWith('/events') && status === 400, (reply) => { reply.status = 201; }),
  E6: {
    reply: ({ method, url }) => (method === 'GET' && url.includes('/events/')
      ? { status: 200, headers: { 'content-type': 'text/event-stream' }, body: 'event: viewercount\ndata: {}\n\n' }
      : undefined),
  },
  E7: {
    reply: ({ url }) => (url.endsWith('/of-layers') ? { status: 500, headers: {}, body: '' } : undefined),
    ...retells(isWatched, (reply, ask) => {
      delete reply.headers.link;
      link(reply, `<${ask.url}/of-layers>; rel="urn:ietf:params:whep:ext:core:layer"`);
    }),
  },
};

/// The server, broken.
export class BrokenServer {
  static async start(server, fault) {
    const broken = new BrokenServer();
    const memory = {};
    broken.http = createServer(async (request, response) => {
      const { method, url } = request;
      const ask = { method, url, headers: { ...request.headers }, body: await text(request) };
      fault.ask?.(ask, memory);
      const reply = fault.reply?.(ask, memory) ?? await forward(server, ask);
      fault.tell?.(ask, reply, memory);
      // Its length may have changed.
      delete reply.headers['content-length'];
      response.writeHead(reply.status, reply.headers);
      if (typeof reply.body === 'string') response.end(reply.body);
      else pipeline(reply.body, response, () => {});
    }).listen(0, '127.0.0.1');
    await once(broken.http, 'listening');
    broken.origin = `http://127.0.0.1:${broken.http.address().port}`;
    return broken;
  }

  async close() {
    this.http.closeAllConnections();
    await new Promise((done) => this.http.close(done));
  }
}

async function text(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function forward(server, { method, url, headers, body }) {
  const { host, ...rest } = headers;
  const length = method === 'GET' || method === 'HEAD' ? {} : { 'content-length': Buffer.byteLength(body) };
  const asked = request(new URL(url, server.origin), { method, headers: { ...rest, ...length }, rejectUnauthorized: false });
  asked.end(body);
  const [reply] = await once(asked, 'response');
  // An event stream has no end.
  const isEndless = reply.headers['content-type'] === 'text/event-stream';
  return { status: reply.statusCode, headers: reply.headers, body: isEndless ? reply : await text(reply) };
}
