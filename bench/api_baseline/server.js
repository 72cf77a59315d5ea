// The yardstick of `./dev bench api`: what somebody would write who wants the same answers quickly, with Fastify and better-sqlite3.
// Prepared statements, one process, the key checked against its hash in the database for each request.
//
//   node server.js DATABASE PORT
import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';
import Fastify from 'fastify';

const [path, port] = process.argv.slice(2);
const db = new Database(path, { readonly: true });
db.pragma('cache_size = -16384');
const app = Fastify({ logger: false });

const PAGE = 200;
const DAY_MS = 86_400_000;
const EPOCH_MS = 1_735_689_600_000n; // numbers of entries begin with their time
const BITS_BELOW_TIME = 22n;
const EARNED = new Set([1, 4]); // classes of entries that count as earned
const STATES = ['active', 'invited', 'suspended', 'banned', 'deleted'];

const sql = {
  key: db.prepare('SELECT community_id, kind, expires_at, revoked_at FROM api_keys WHERE secret_hash = ?'),
  byEmail: db.prepare('SELECT account_id, email, username, created_at FROM accounts WHERE email_key = ?'),
  user: db.prepare(`SELECT state, state_until, first_name, last_name, display_name, phone, country, language, avatar, hidden, referred_by,
    joined_at, last_online_at FROM memberships WHERE community_id = ? AND member_id = ?`),
  balances: db.prepare('SELECT currency_id, amount, CAST(entry_id AS TEXT) AS entry FROM balances WHERE community_id = ? AND member_id = ? AND currency_id <= 3'),
  currencies: db.prepare("SELECT currency_id, code, name FROM currencies WHERE community_id = ? AND kind <> 'counter' ORDER BY position, currency_id"),
  earnedBalances: db.prepare('SELECT currency_id, amount, earned FROM balances WHERE community_id = ? AND member_id = ?'),
  roles: db.prepare(`SELECT r.title FROM member_roles s JOIN roles r ON r.community_id = s.community_id AND r.role_id = s.role_id
    WHERE s.community_id = ? AND s.member_id = ? AND r.title <> '@all' ORDER BY r.position DESC, r.role_id`).pluck(),
  tags: db.prepare(`SELECT t.name FROM member_tags s JOIN tags t ON t.community_id = s.community_id AND t.tag_id = s.tag_id
    WHERE s.community_id = ? AND s.member_id = ? ORDER BY t.tag_id`).pluck(),
  fields: db.prepare(`SELECT f.field_key, f.type, f.default_number, f.default_text, v.number, v.text FROM fields f
    LEFT JOIN field_values v ON v.community_id = f.community_id AND v.member_id = ? AND v.field_id = f.field_id
    WHERE f.community_id = ? AND f.deleted_at IS NULL ORDER BY f.field_id`),
  earned: db.prepare(`WITH RECURSIVE chain (currency_id, class, amount, previous_id) AS (
    SELECT b.currency_id, e.class, e.amount, e.previous_id FROM balances b CROSS JOIN ledger_entries e
    WHERE b.community_id = @community AND b.member_id = @member AND b.currency_id <= 2 AND b.entry_id >= @today AND e.entry_id = b.entry_id
    UNION ALL SELECT c.currency_id, e.class, e.amount, e.previous_id FROM chain c CROSS JOIN ledger_entries e
    WHERE c.previous_id >= @today AND e.entry_id = c.previous_id)
    SELECT currency_id, class, sum(amount) AS amount FROM chain GROUP BY currency_id, class`),
  count: db.prepare('SELECT count(*) FROM memberships WHERE community_id = ? AND state IN (0, 2, 3)').pluck(),
  page: db.prepare(`SELECT a.email, m.first_name, m.last_name, m.joined_at, x.amount AS xp, c.amount AS coins, m.member_id, a.username, m.hidden
    FROM memberships m JOIN accounts a ON a.account_id = m.member_id
    LEFT JOIN balances x ON x.community_id = m.community_id AND x.member_id = m.member_id AND x.currency_id = 1
    LEFT JOIN balances c ON c.community_id = m.community_id AND c.member_id = m.member_id AND c.currency_id = 2
    WHERE m.community_id = ? AND m.state IN (0, 2, 3) ORDER BY m.joined_at, m.member_id LIMIT ${PAGE + 1}`),
  one: db.prepare(`SELECT a.email, m.first_name, m.last_name, m.joined_at, x.amount AS xp, c.amount AS coins, m.member_id, a.username, m.hidden
    FROM accounts a JOIN memberships m ON m.community_id = ? AND m.member_id = a.account_id
    LEFT JOIN balances x ON x.community_id = m.community_id AND x.member_id = m.member_id AND x.currency_id = 1
    LEFT JOIN balances c ON c.community_id = m.community_id AND c.member_id = m.member_id AND c.currency_id = 2
    WHERE a.email_key = ? AND m.state IN (0, 2, 3)`),
};

const languages = new Intl.DisplayNames(['en'], { type: 'language' });
const amount = (micros) => (micros ?? 0) / 1e6;
const iso = (ms) => (ms === null ? null : new Date(ms).toISOString());
const publicId = (number, createdAt) => Math.floor(createdAt / 1000).toString(16).padStart(8, '0') + number.toString(16).padStart(16, '0');
const name = (row, value) => (row.hidden & 1 ? '---' : value);

app.addHook('preHandler', async (request, reply) => {
  const key = (request.headers.authorization ?? '').replace(/^Bearer /i, '');
  const found = sql.key.get(createHash('sha256').update(key).digest());
  if (!found || found.kind !== 'community' || found.revoked_at !== null || (found.expires_at !== null && found.expires_at <= Date.now())) {
    return reply.code(401).send({ status: 'error', code: 'unauthorized', message: 'This key is not valid.' });
  }
  request.community = found.community_id;
});

const notFound = (reply) => reply.code(404).send({ status: 'error', code: 'user_not_found', message: 'There is no such member.' });

function valueOf(field) {
  const own = field.number !== null || field.text !== null;
  const number = own ? field.number : field.default_number;
  const text = own ? field.text : field.default_text;
  if (number !== null) return field.type === 'boolean' ? number !== 0 : amount(number);
  return text;
}

app.post('/v1/users/info', async (request, reply) => {
  const { community } = request;
  const account = sql.byEmail.get(request.body.idOrEmail.toLowerCase());
  const row = account && sql.user.get(community, account.account_id);
  if (!row || row.state === 4) return notFound(reply);
  const member = account.account_id;
  const balances = [0, 0, 0, 0];
  const midnight = BigInt(Math.floor(Date.now() / DAY_MS) * DAY_MS);
  const today = (midnight - EPOCH_MS) << BITS_BELOW_TIME;
  const earned = [0, 0, 0];
  let earnedToday = false;
  for (const b of sql.balances.all(community, member)) {
    balances[b.currency_id] = b.amount;
    if (b.currency_id <= 2 && BigInt(b.entry) >= today) earnedToday = true;
  }
  if (earnedToday)
    for (const e of sql.earned.all({ community, member, today })) if (EARNED.has(e.class)) earned[e.currency_id] += e.amount;
  const roles = sql.roles.all(community, member);
  const customFields = {};
  for (const f of sql.fields.all(member, community)) customFields[f.field_key] = valueOf(f);
  const suspended = row.state === 2 && (row.state_until === null || row.state_until > Date.now());
  return {
    status: 'success',
    data: {
      userId: String(member), username: account.username, xp: amount(balances[1]), coins: amount(balances[2]), roles, highestRole: roles[0] ?? '@all',
      firstName: name(row, row.first_name), lastName: name(row, row.last_name), xpEarnedToday: Math.max(0, amount(earned[1])),
      coinsEarnedToday: Math.max(0, amount(earned[2])), language: row.language && languages.of(row.language), totalMessages: 0, totalReactions: 0,
      visitCount: 0, replySent: 0, timeSpent: 0, loginStreak: 0, customFields, _id: publicId(member, account.created_at),
      email: row.hidden & 2 ? '---' : account.email, displayName: row.display_name, avatar: row.avatar, phone: row.phone, country: row.country,
      premiumCurrency: amount(balances[3]), tags: sql.tags.all(community, member), joinedAt: iso(row.joined_at), lastOnline: iso(row.last_online_at),
      status: row.state === 2 && !suspended ? 'active' : STATES[row.state], suspendedUntil: suspended ? iso(row.state_until) : null,
      referredBy: row.referred_by === null ? null : String(row.referred_by),
    },
  };
});

const user = (row) => ({
  email: row.hidden & 2 ? '---' : row.email, first_name: name(row, row.first_name), last_name: name(row, row.last_name), join_date: iso(row.joined_at),
  xp: amount(row.xp), coins: amount(row.coins), user_id: String(row.member_id), username: row.username,
});

const totals = new Map();
function totalOf(community) {
  const kept = totals.get(community);
  if (kept && Date.now() - kept.at < 30_000) return kept.total;
  const total = sql.count.get(community);
  totals.set(community, { total, at: Date.now() });
  return total;
}

app.post('/v1/users/filter', async (request) => {
  const { community } = request;
  const email = request.body.filter?.email;
  const rows = email === undefined ? sql.page.all(community) : sql.one.all(community, email.toLowerCase());
  const total = email === undefined ? totalOf(community) : rows.length;
  const data = { users: rows.slice(0, PAGE).map(user), total, total_pages: Math.ceil(total / PAGE), current_page: 1 };
  if (rows.length > PAGE) {
    const last = rows[PAGE - 1];
    data.next_cursor = Buffer.from(`${community}:${last.joined_at}:${last.member_id}`).toString('base64url');
  }
  return { status: 'success', message: 'Users fetched successfully', data };
});

app.post('/v1/users/balances', async (request, reply) => {
  const { community } = request;
  const account = sql.byEmail.get(request.body.identifier.toLowerCase());
  const row = account && sql.user.get(community, account.account_id);
  if (!row || row.state === 4) return notFound(reply);
  const stored = new Map(sql.earnedBalances.all(community, account.account_id).map((b) => [b.currency_id, b]));
  const balances = sql.currencies.all(community).map((c) => {
    const b = stored.get(c.currency_id);
    return { currency: c.code, name: c.name, balance: amount(b?.amount), earned: Math.max(0, amount(b?.earned)) };
  });
  return { status: 'success', message: 'Balances fetched successfully', data: { user_id: String(account.account_id), balances } };
});

app.setErrorHandler((error, request, reply) => {
  console.error(error);
  reply.code(500).send({ status: 'error', code: 'internal_error', message: error.message });
});

await app.listen({ port: Number(port), host: '127.0.0.1' });
