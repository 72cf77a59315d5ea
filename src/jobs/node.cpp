#include "jobs/node.h"

#include "base/log.h"
#include "base/random.h"
#include "base/time.h"

namespace fealty::jobs {
namespace {

sql::Statement const kTaken{"nodes.taken", "SELECT node_id FROM nodes WHERE lease_until > {now_ms} ORDER BY node_id"};
sql::Statement const kTake{
    "nodes.take",
    "INSERT INTO nodes (node_id, holder, lease_until) VALUES ($1, $2, {now_ms} + $3) ON CONFLICT (node_id) DO UPDATE "
    "SET holder = excluded.holder, lease_until = excluded.lease_until WHERE nodes.lease_until <= {now_ms} RETURNING node_id"};
sql::Statement const kExtend{"nodes.extend",
                             "UPDATE nodes SET lease_until = {now_ms} + $3 WHERE node_id = $1 AND holder = $2 AND lease_until > {now_ms}"};
sql::Statement const kRelease{"nodes.release", "UPDATE nodes SET lease_until = 0 WHERE node_id = $1 AND holder = $2"};
sql::Statement const kEnded{"nodes.ended", "SELECT node_id, holder FROM nodes WHERE lease_until > 0 AND lease_until <= {now_ms}"};
sql::Statement const kForget{"nodes.forget",
                             "UPDATE nodes SET lease_until = 0 WHERE node_id = $1 AND holder = $2 AND lease_until <= {now_ms}"};
sql::Statement const kForgetLong{"nodes.forget_long", "UPDATE nodes SET lease_until = 0 WHERE lease_until > {now_ms} + $1"};
constexpr int kNodesMax = 1 << NumberSource::kNodeBits;

}  // namespace

Node::Node(sql::Database& database, NumberSource& numbers, Peers peers)
    : database_(database),
      numbers_(numbers),
      holder_(database.session() + "/" + random_base62(22)),
      lease_ms_(peers == Peers::none ? kLoneLeaseMs : kLeaseMs) {
  if (peers == Peers::none) database_.write([](sql::Tx& tx) { tx.exec(kForgetLong, kLeaseMs); });
  take();
}

Node::~Node() {
  try {
    database_.write([&](sql::Tx& tx) { tx.exec(kRelease, number_, holder_); });
  } catch (std::exception const& e) {
    log::warning("node.release_failed", {{"reason", e.what()}});
  }
}

void Node::take() {
  // Another node may take the same number at the same moment: the conditional write decides, the loser looks again.
  for (int attempt = 0; attempt < kNodesMax; ++attempt) {
    auto const taken = database_.write([&](sql::Tx& tx) -> std::optional<int> {
      int free = 0, others = 0;
      tx.each(kTaken, [&](sql::Row const& r) {
        free += r.integer(0) == free ? 1 : 0;
        ++others;
      });
      living_ = others + 1;
      if (free >= kNodesMax) throw std::runtime_error("256 nodes run already; a node number is free again 8 s after one of them stops");
      return tx.one(kTake, [](sql::Row const& r) { return static_cast<int>(r.integer(0)); }, free, holder_, lease_ms_);
    });
    if (!taken) continue;
    number_ = *taken;
    numbers_.set_node(number_);
    extended();
    return;
  }
  throw std::runtime_error("no node number could be taken");
}

// A node whose lease ended stands still or is gone. If it stands still inside a transaction, its locks would keep its jobs
// from whoever takes them over: its connections are ended. When it wakes, it finds its number lost and takes another.
void Node::end_silent_nodes() {
  std::vector<std::pair<int, std::string>> silent;
  int living = 0;
  database_.read([&](sql::Tx& tx) {
    silent.clear();
    living = 0;
    tx.each(kEnded, [&](sql::Row const& r) { silent.emplace_back(static_cast<int>(r.integer(0)), r.string(1)); });
    tx.each(kTaken, [&](sql::Row const&) { ++living; });
  });
  living_ = std::max(living, 1);
  for (auto const& [number, holder] : silent) {
    auto const session = holder.substr(0, holder.find('/'));
    if (session != database_.session()) database_.end_session(session);
    database_.write([&](sql::Tx& tx) { tx.exec(kForget, number, holder); });
    log::warning("node.silent", {{"node", number}});
  }
}

void Node::extended() {
  if (lease_ms_ != kLeaseMs) extend_at_ms_ = steady_now_ms() + lease_ms_ / 4;
}

bool Node::heartbeat() {
  end_silent_nodes();
  if (steady_now_ms() < extend_at_ms_) return true;
  if (database_.write([&](sql::Tx& tx) { return tx.exec(kExtend, number_, holder_, lease_ms_); }) == 1) {
    extended();
    return true;
  }
  log::warning("node.lease_lost", {{"node", number_}});
  take();
  return false;
}

}  // namespace fealty::jobs
