#include <algorithm>

#include "access/written_once.h"
#include "base/text.h"
#include "members/catalogue_store.h"
#include "members/community_settings_store.h"
#include "members/history_items.h"
#include "members/member_reference.h"
#include "members/roles.h"
#include "members/roles_store.h"
#include "sql/counters.h"

namespace fealty::members {
namespace {

TagOut shown(TagRow const& t, std::int64_t members = 0) {
  return {t.id().to_string(), t.name, to_iso(t.created_at), to_iso(t.updated_at), members};
}

std::unexpected<Error> no_tag() { return fail(errors::kTagNotFound, "There is no such tag in this community."); }

// The name in its form, free among the others.
Result<std::string> read_name(std::string const& text, std::vector<TagRow> const& known, std::int64_t but) {
  auto name = to_nfc(trim_space(text));
  if (name.empty() || code_points(name) > 50 || name.find(',') != std::string::npos || has_control_characters(name, false))
    return std::unexpected(api::invalid_request({{"/name", "bad_value", "A tag's name has 1 to 50 characters and no comma."}}));
  if (std::any_of(known.begin(), known.end(), [&](TagRow const& t) { return t.name == name && t.number != but; })) {
    std::string const message = "There is a tag \"" + name + "\" already.";
    return fail(errors::kTagExists, message, {{"/name", std::string(errors::kTagExists.code), message}});
  }
  return name;
}

TagRow const* find(std::vector<TagRow> const& tags, PublicId id) {
  auto const found = std::find_if(tags.begin(), tags.end(), [&](TagRow const& t) { return t.id() == id; });
  return found == tags.end() ? nullptr : &*found;
}

void audit(sql::Tx& tx, NumberSource& numbers, api::Context const& c, std::string action, TagOut const& tag, std::string detail) {
  access::write_audit(tx, c.community, numbers.next(),
                      {access::actor_of(c.principal), std::move(action), tag._id, std::move(detail), c.remote_address, c.now});
}

}  // namespace

std::vector<TagOut> TagsService::list(api::Context const& c) {
  return database_.read([&](sql::Tx& tx) {
    std::vector<TagOut> all;
    for (auto const& t : list_tags(tx, c.community)) all.push_back(shown(t, count_tag_holders(tx, c.community, t.number)));
    return all;
  });
}

Result<api::Answer> TagsService::create(api::Context const& c, TagIn const& in, std::optional<access::OnceKey> const& key) {
  return access::once_as<TagOut>(201, "Create tag success.", database_, c, key, [&](sql::Tx& tx) -> Result<TagOut> {
    lock_community(tx, c.community);
    auto const known = list_tags(tx, c.community);
    auto name = read_name(in.name, known, 0);
    if (!name) return std::unexpected(std::move(name).error());
    if (known.size() >= kTagsMax) return fail(errors::kTooManyTags, "A community can have " + std::to_string(kTagsMax) + " tags.");
    TagRow const tag{sql::draw_numbers(tx, "tag"), *std::move(name), c.now, c.now};
    insert_tag(tx, c.community, {tag.number, tag.name, false, false, 0}, c.now);
    auto out = shown(tag);
    audit(tx, numbers_, c, "tag.create", out, access::audit_value(api::to_json(out), c.request_id));
    return out;
  });
}

Result<TagOut> TagsService::change(api::Context const& c, PublicId id, TagIn const& in) {
  auto out = database_.write([&](sql::Tx& tx) -> Result<TagOut> {
    lock_community(tx, c.community);
    auto const known = list_tags(tx, c.community);
    auto const* const before = find(known, id);
    if (!before) return no_tag();
    auto name = read_name(in.name, known, before->number);
    if (!name) return std::unexpected(std::move(name).error());
    TagRow after = *before;
    if (after.name == *name) return shown(after);
    after.name = *std::move(name);
    after.updated_at = c.now;
    rename_tag(tx, c.community, after.number, after.name, c.now);
    auto changed = shown(after);
    audit(tx, numbers_, c, "tag.update", changed, access::audit_changes(shown(*before), changed, c.request_id));
    return changed;
  });
  // Behind the transaction: nobody waits to write meanwhile.
  if (out) out->memberCount = database_.read([&](sql::Tx& tx) { return count_tag_holders(tx, c.community, id.number); });
  return out;
}

Result<TagOut> TagsService::remove(api::Context const& c, PublicId id) {
  return database_.write([&](sql::Tx& tx) -> Result<TagOut> {
    lock_community(tx, c.community);
    auto const known = list_tags(tx, c.community);
    auto const* const tag = find(known, id);
    if (!tag) return no_tag();
    // Whoever writes tag sets is finished now, and those that come read the tags that are left.
    ledger::lock_everybody(tx, c.community);
    auto out = shown(*tag, delete_tag(tx, c.community, tag->number));
    audit(tx, numbers_, c, "tag.delete", out, access::audit_value(api::to_json(out), c.request_id));
    return out;
  });
}

Result<api::Answer> TagsService::move(api::Context const& c, PublicId id, std::string const& user, Move move,
                                      std::optional<access::OnceKey> const& key) {
  std::string const message = move == Move::give ? "Add tag to user success." : "Remove tag from user success.";
  return access::once_as<MemberTagsOut>(200, message, database_, c, key, [&](sql::Tx& tx) -> Result<MemberTagsOut> {
    auto account = find_user(tx, c.community, user);
    // The tags are read behind the lock: whoever deletes one waits, or is done. The member may have gone meanwhile.
    if (account) {
      bool is_here = false;
      lock_memberships(tx, c.community, {account->number}, false,
                       [&](Membership const& m) { is_here = m.state != MembershipState::deleted; });
      if (!is_here) account = std::unexpected(no_such_member());
    }
    auto const known = list_tags(tx, c.community);
    auto const* const tag = find(known, id);
    if (!tag) return no_tag();
    if (!account) return std::unexpected(account.error());
    MemberTagsOut out{std::to_string(account->number.value), {}};
    bool is_full = false;
    bool const is_new = edit_member_set(tx, numbers_, c, account->number, Slot::Kind::tag_set, [&](std::set<std::int64_t>& set) {
      if (move == Move::take)
        set.erase(tag->number);
      else if (is_full = set.size() >= kTagsPerMemberMax && !set.contains(tag->number); !is_full)
        set.insert(tag->number);
      for (auto const& t : known)
        if (set.contains(t.number)) out.tags.push_back(t.name);
    });
    if (is_full) return fail(errors::kTooManyTags, "A member can have at most " + std::to_string(kTagsPerMemberMax) + " tags.");
    if (is_new)
      access::write_audit(tx, c.community, numbers_.next(),
                          {access::actor_of(c.principal), move == Move::give ? "tag.give" : "tag.take", account->id().to_string(),
                           access::audit_value(api::to_json(shown(*tag)), c.request_id), c.remote_address, c.now});
    return out;
  });
}

}  // namespace fealty::members
