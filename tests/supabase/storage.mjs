// Storage of Supabase for tests: npm's @tus/server, the engine of the real service, and before it
// what that service asks for. Who may write or read is decided by the policies in PostgreSQL.
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'
import postgres from 'postgres'

const UPLOADS = '/storage/v1/upload/resumable'
const PIECE = 6 * 1024 * 1024
const RESUMABLE = /^[A-Za-z0-9_-]+$/
const NAME = /^[A-Za-z0-9/_.!'()*&$@=;:+,? -]+$/

class Refusal extends Error {
  constructor(status, error, message) {
    super(message)
    this.status_code = status
    this.body = JSON.stringify({ statusCode: String(status), error, message })
  }
}

export function storage({ sockets, database, secret, key, folder, maxSize, expiryMs }) {
  const objects = join(folder, 'objects')
  const uploads = join(folder, 'uploads')
  mkdirSync(objects, { recursive: true })
  mkdirSync(uploads, { recursive: true })
  const sql = postgres(`postgres://postgres@127.0.0.1/${database}`, {
    path: `${sockets}/.s.PGSQL.5432`, max: 5, onnotice() {},
  })
  const datastore = new FileStore({ directory: uploads, expirationPeriodInMilliseconds: expiryMs })
  const state = { bytes: 0, creates: 0, log: [] }

  function claims(headers) {
    if (headers.get('apikey') !== key) throw new Refusal(401, 'Unauthorized', 'no apikey')
    const token = (headers.get('authorization') ?? '').replace(/^Bearer /, '')
    const [head, body, signature] = token.split('.')
    const mine = createHmac('sha256', secret).update(`${head}.${body}`).digest()
    const theirs = Buffer.from(signature ?? '', 'base64url')
    if (theirs.length !== mine.length || !timingSafeEqual(mine, theirs)) {
      throw new Refusal(403, 'Unauthorized', 'signature verification failed')
    }
    const found = JSON.parse(Buffer.from(body, 'base64url'))
    if (found.exp * 1000 < Date.now()) {
      throw new Refusal(403, 'Unauthorized', '"exp" claim timestamp check failed')
    }
    return found
  }

  // As the user, so that row security decides; `undo` only asks whether it would.
  async function as(user, work, undo = false) {
    let result
    class Undo extends Error {}
    try {
      await sql.begin(async (t) => {
        // Both ways in which `auth.uid()` has been written.
        await t`select set_config('request.jwt.claims', ${JSON.stringify(user)}, true),
          set_config('request.jwt.claim.sub', ${user.sub}, true)`
        await t.unsafe('set local role authenticated')
        result = await work(t)
        if (undo) throw new Undo()
      })
    } catch (error) {
      if (error.code === '42501') {
        throw new Refusal(403, 'Unauthorized', 'new row violates row-level security policy')
      }
      if (error.code === '23505') throw new Refusal(409, 'Duplicate', 'The resource already exists')
      if (!(error instanceof Undo)) throw error
    }
    return result
  }
  const insert = (user, bucket, name, size, undo) => as(user, (t) => t`
    insert into storage.objects (bucket_id, name, owner_id, size)
    values (${bucket}, ${name}, ${user.sub}, ${size})`, undo)
  const place = (bucket, name) => join(objects, Buffer.from(`${bucket}/${name}`).toString('base64url'))
  const parts = (id) => JSON.parse(Buffer.from(id, 'base64url'))

  const tus = new Server({
    path: UPLOADS, datastore, maxSize, respectForwardedHeaders: true,
    namingFunction: (request, m) => Buffer.from(
      JSON.stringify([m.bucketName, m.objectName, randomUUID()])).toString('base64url'),
    // As behind a proxy: the host in it leads nowhere.
    generateUrl: (request, { path, id }) => `http://inside.invalid${path}/${id}`,
    async onIncomingRequest(request, id) {
      if (request.method === 'OPTIONS') return
      const user = claims(request.headers)
      if (!id || request.method === 'POST') return
      if (parts(id)[1].split('/')[0] !== user.sub) {
        throw new Refusal(403, 'Unauthorized', 'new row violates row-level security policy')
      }
    },
    async onUploadCreate(request, upload) {
      const user = claims(request.headers)
      const { bucketName, objectName, contentType, cacheControl } = upload.metadata ?? {}
      if (!bucketName || !objectName || !contentType || !cacheControl) {
        throw new Refusal(400, 'invalid_metadata', 'metadata is missing')
      }
      if (request.headers.get('x-upsert') !== 'false') {
        throw new Refusal(400, 'invalid_request', 'this server tests x-upsert: false')
      }
      if (!NAME.test(objectName)) throw new Refusal(400, 'InvalidKey', 'Invalid key')
      const [bucket] = await sql`select * from storage.buckets where id = ${bucketName}`
      if (!bucket) throw new Refusal(404, 'Bucket not found', 'Bucket not found')
      if (bucket.file_size_limit !== null && upload.size > Number(bucket.file_size_limit)) {
        throw new Refusal(413, 'Payload too large', 'The object exceeded the maximum allowed size')
      }
      await insert(user, bucketName, objectName, upload.size, true)
      state.creates += 1
      return { metadata: upload.metadata }
    },
    async onUploadFinish(request, upload) {
      const [bucket, name] = parts(upload.id)
      await insert(claims(request.headers), bucket, name, upload.size, false)
      renameSync(join(uploads, upload.id), place(bucket, name))
      await datastore.configstore.delete(upload.id)
      return {}
    },
  })

  async function patch(request) {
    const length = Number(request.headers.get('content-length') ?? 0)
    const offset = Number(request.headers.get('upload-offset') ?? -1)
    const id = new URL(request.url).pathname.slice(UPLOADS.length + 1)
    const known = RESUMABLE.test(id) ? await datastore.getUpload(id).catch(() => null) : null
    // Each piece but the last one has exactly this size; after a cut it may begin anywhere.
    if (known && length !== PIECE && offset + length !== known.size) {
      return refuse(new Refusal(400, 'invalid_chunk', `${length} bytes are no piece`))
    }
    const counted = new TransformStream({
      transform(block, controller) {
        state.bytes += block.byteLength
        controller.enqueue(block)
      },
    })
    return tus.handleWeb(new Request(request, { body: request.body?.pipeThrough(counted), duplex: 'half' }))
  }

  const refuse = (error) => new Response(error.body, {
    status: error.status_code, headers: { 'content-type': 'application/json' },
  })

  async function object(request, path) {
    const user = claims(request.headers)
    const [bucket, ...rest] = path.replace(/^authenticated\//, '').split('/')
    const name = rest.join('/')
    if (request.method === 'DELETE') {
      const gone = await as(user, (t) => t`
        delete from storage.objects where bucket_id = ${bucket} and name = ${name} returning name`)
      if (!gone.length) throw new Refusal(404, 'not_found', 'Object not found')
      rmSync(place(bucket, name), { force: true })
      return Response.json({ message: 'Successfully deleted' })
    }
    const found = await as(user, (t) => t`
      select size from storage.objects where bucket_id = ${bucket} and name = ${name}`)
    if (!found.length || !existsSync(place(bucket, name))) {
      // The real service: 400 outside, 404 inside.
      const body = JSON.stringify({ statusCode: '404', error: 'not_found', message: 'Object not found' })
      return new Response(request.method === 'HEAD' ? null : body, { status: 400 })
    }
    const headers = { 'content-length': String(statSync(place(bucket, name)).size) }
    const body = request.method === 'HEAD' ? null : Readable.toWeb(createReadStream(place(bucket, name)))
    return new Response(body, { headers })
  }

  return async function answer(request) {
    const path = new URL(request.url).pathname
    try {
      if (path === '/storage/v1/_counts') return Response.json(state)
      if (path === '/storage/v1/_expire') {
        return Response.json({ expired: await datastore.deleteExpired() })
      }
      if (request.method === 'PATCH') return await patch(request)
      if (path.startsWith(UPLOADS)) return await tus.handleWeb(request)
      return await object(request, path.replace('/storage/v1/object/', ''))
    } catch (error) {
      if (error instanceof Refusal) return refuse(error)
      throw error
    }
  }
}
