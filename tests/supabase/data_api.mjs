// Data API and sign-in of Supabase for tests: @supabase/lite on a real PostgreSQL, with five shims.
// usage: node data_api.mjs SOCKETS DATABASE PORT [WITHOUT], with node_modules beside it.
// WITHOUT: numbers of shims that are left out, "1,4"; so the tests show that each has an effect.
// Prints READY.
import { AsyncLocalStorage } from 'node:async_hooks'
import { App, InMemoryEmailDriver } from '@supabase/lite'
import { createPostgresConnection } from '@supabase/lite/postgres'
import { serve } from '@hono/node-server'
import { storage } from './storage.mjs'

const [sockets, database, port, without = ''] = process.argv.slice(2)
const PUBLISHABLE = 'sb_publishable_' + 'test'.repeat(6)
const JWT_SECRET = 'a-secret-for-tests-of-at-least-32-characters'
const has = (shim) => !without.split(',').includes(String(shim))

// 1: times as PostgREST writes them, not with a blank and a short zone.
const iso = {
  to: 1184, from: [1184], serialize: String,
  parse: (text) => text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'),
}
// 2: it hands lists and objects over as text, and its driver quotes that once more.
const json = (oid) => ({
  to: oid, from: [oid], parse: JSON.parse,
  serialize: (value) => (typeof value === 'string' && /^[[{]/.test(value) ? value : JSON.stringify(value)),
})
const types = {
  ...(has(1) && { iso }),
  ...(has(2) && { json: json(114), jsonb: json(3802) }),
}
const connection = createPostgresConnection({
  url: `postgres://postgres@127.0.0.1/${database}`,
  postgresOptions: { path: `${sockets}/.s.PGSQL.5432`, max: 10, types },
})
// 3: it would grant everything to everybody.
if (has(3)) connection.rlsState = 'active'
// 4: what PostgreSQL says of a refused row, not error 500.
const raw = new AsyncLocalStorage()
const normal = connection.normalizeDbError.bind(connection)
connection.normalizeDbError = (error) => {
  const known = normal(error)
  const store = raw.getStore()
  if (store) store.error = known
  return known
}

const app = new App({
  connection,
  auth: {
    enabled: true,
    publishable_key: PUBLISHABLE,
    secret_key: 'sb_secret_' + 'test'.repeat(6),
    jwt_secret: JWT_SECRET,
    jwt_expiry: 3600,
    site_url: 'http://127.0.0.1',
    email: { enable_confirmations: false },
  },
  options: { server: { admin: false }, drivers: { email: new InMemoryEmailDriver() } },
})
await app.init()
await app.ensureSystemSchema()
// 5: functions of the caller's own rights ask auth.uid() as well.
if (has(5)) {
  await connection.driver.unsafe('grant usage on schema auth to anon, authenticated, service_role')
}

// Its own Storage is not usable: names, lists and downloads are others than those of the service.
const objects = storage({
  sockets, database, secret: JWT_SECRET, key: PUBLISHABLE, folder: './storage',
  maxSize: Number(process.env.MAX_SIZE ?? 50 * 2 ** 20), expiryMs: 86_400_000,
})

async function fetch(request, env) {
  if (new URL(request.url).pathname.startsWith('/storage/v1/')) return objects(request)
  const store = {}
  const address = { peerAddress: env.incoming.socket.remoteAddress }
  const answer = await raw.run(store, () => app.fetch(request, address))
  if (!has(4) || answer.status !== 500 || !store.error) return answer
  const body = await answer.clone().json().catch(() => null)
  const { code, message, detail = null, hint = null } = store.error
  if (body?.code !== 'SUP' || !/^(22|23|P0)/.test(code ?? '')) return answer
  return Response.json({ code, message, details: detail, hint }, { status: 400 })
}
serve({ fetch, port: Number(port), hostname: '127.0.0.1' }, () => console.log('READY'))
process.on('SIGTERM', () => process.exit(0))
