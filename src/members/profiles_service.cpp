#include "access/audit.h"
#include "api/cursor.h"
#include "api/json_writer.h"
#include "api/typed.h"
#include "base/locale_names.h"
#include "base/text.h"
#include "ledger/ledger.h"
#include "members/member_changes.h"
#include "members/member_reference.h"
#include "members/profiles_store.h"
#include "members/users_filter.h"

namespace fealty::members {
namespace {

// Behind it the pages before are read and dropped, which costs more with each page; a cursor does not.
constexpr std::int64_t kPageMax = 5'000;

void wrong(std::vector<Issue>& issues, std::string field, std::string code, std::string message) {
  api::add_issue(issues, {std::move(field), std::move(code), std::move(message)});
}

ProfileFilter read_filter(ProfileListQuery const& q, std::vector<Issue>& issues) {
  ProfileFilter f;
  if (q.search) {
    constexpr std::string_view kKeyword = "keyword:";
    if (q.search->starts_with(kKeyword))
      f.keyword = trim_blanks(std::string_view(*q.search).substr(kKeyword.size()));
    else
      wrong(issues, "search", "bad_search", "search must be keyword:<v>, such as keyword:mia.");
  }
  if (q.sort) {
    constexpr std::pair<std::string_view, ProfileSort> kSorts[] = {{"createdAt", ProfileSort::created_at},
                                                                   {"displayName", ProfileSort::display_name},
                                                                   {"lastLogin", ProfileSort::last_login},
                                                                   {"xp", ProfileSort::xp}};
    auto const parts = split(*q.sort, ':');
    auto const known = std::find_if(std::begin(kSorts), std::end(kSorts), [&](auto const& s) { return s.first == parts.front(); });
    bool const has_direction = parts.size() == 2 && (parts[1] == "asc" || parts[1] == "desc");
    if (known == std::end(kSorts) || parts.size() > 2 || (parts.size() == 2 && !has_direction)) {
      wrong(issues, "sort", "unknown_sort", "sort must be createdAt, displayName, lastLogin or xp, then :asc or :desc.");
    } else {
      f.sort = known->second;
      f.descending = has_direction ? parts[1] == "desc" : f.sort != ProfileSort::display_name;
    }
  }
  if (q.status) {
    f.active = f.suspended = f.banned = false;
    for (auto const part : split(*q.status, ',')) {
      auto const word = trim_blanks(part);
      if (word == "active")
        f.active = true;
      else if (word == "suspended")
        f.suspended = true;
      else if (word == "banned")
        f.banned = true;
      else
        wrong(issues, "status", "unknown_status", "status may be active, suspended and banned, comma-separated.");
    }
  }
  f.role = q.role;
  f.tag = q.tag;
  return f;
}

// All that the order and the content of a list depend on.
std::string question_of(CommunityNo community, ProfileListQuery const& q) {
  std::string text = std::to_string(community.value) + ":profiles";
  for (auto const* part : {&q.search, &q.sort, &q.role, &q.tag, &q.status}) {
    text += '\0';
    text += part->value_or("\1");
  }
  return text;
}

void add_names(sql::Tx& tx, CommunityNo community, std::vector<Profile>& items) {
  std::vector<MemberNo> members;
  for (auto const& p : items) members.push_back(p.member);
  std::sort(members.begin(), members.end());
  auto const catalogue = load_catalogue(tx, community);
  auto names = [&](Slot::Kind kind, std::vector<NamedNumber> const& known, std::vector<std::string> Profile::* place) {
    load_sets(tx, community, kind, members, [&](MemberNo member, std::string const& set) {
      auto const profile = std::find_if(items.begin(), items.end(), [&](Profile const& p) { return p.member == member; });
      (*profile).*place = names_in_set(set, known);
    });
  };
  names(Slot::Kind::role_set, catalogue.roles, &Profile::roles);
  names(Slot::Kind::tag_set, catalogue.tags, &Profile::tags);
}

// The texts of a change that are slots: their column, their place in the body, what is asked for.
struct SlotText {
  Slot slot;
  std::string place;
  Value value;
};
std::vector<SlotText> read_texts(ProfileChange const& change, std::vector<Issue>& issues) {
  struct Row {
    std::string_view column, place;
    TextChange ProfileChange::* text;
  };
  static constexpr Row kRows[] = {{"Display Name", "/displayName", &ProfileChange::displayName},
                                  {"First Name", "/firstName", &ProfileChange::firstName},
                                  {"Last Name", "/lastName", &ProfileChange::lastName},
                                  {"Phone", "/phone", &ProfileChange::phone},
                                  {"Country", "/country", &ProfileChange::country},
                                  {"Language", "/language", &ProfileChange::language}};
  static Catalogue const kNoSets;
  std::vector<SlotText> out;
  for (auto const& row : kRows) {
    auto const& given = change.*row.text;
    if (!given) continue;
    SlotText text{default_slot(row.column).value(), std::string(row.place), Value::none()};
    auto const words = *given ? trim_blanks(**given) : std::string_view();
    if (!words.empty()) {
      auto value = read_value(text.slot, words, kNoSets);
      if (!value) {
        wrong(issues, text.place, value.error().code, value.error().message);
        continue;
      }
      text.value = *std::move(value);
    }
    if (auto const problem = MemberChanges::problem_of(text.slot, ledger::Operator::overwrite, text.value)) {
      wrong(issues, text.place, problem->code, problem->message);
      continue;
    }
    out.push_back(std::move(text));
  }
  return out;
}

std::string changed_names(std::vector<std::string> const& names) {
  api::JsonWriter w;
  w.begin_object().key("changed").value(names).end_object();
  return w.take();
}

}  // namespace

std::string avatar_url(std::string_view community_host, std::string_view avatar_key) {
  std::string const path = "/avatars/" + std::string(avatar_key);
  return community_host.empty() ? path : "https://" + std::string(community_host) + path;
}

Result<ProfileService::One> ProfileService::read(CommunityNo community, PublicId user, TimeMs now) {
  return database_.read([&](sql::Tx& tx) -> Result<One> {
    auto profile = find_profile(tx, community, {user.number}, now);
    if (!profile || profile->id() != user) return std::unexpected(no_such_member());
    return One{*std::move(profile), community_host(tx, community)};
  });
}

Result<ProfilePage> ProfileService::list(CommunityNo community, ProfileListQuery const& query, TimeMs now) {
  std::vector<Issue> issues;
  auto const filter = read_filter(query, issues);
  if (query.cursor && query.page) wrong(issues, "cursor", "conflicting_parameters", "Send either cursor or page, not both.");
  if (query.page.value_or(1) > kPageMax)
    wrong(issues, "page", std::string(errors::kPageTooDeep.code),
          "Pages behind " + std::to_string(kPageMax) + " are read with a cursor alone.");
  if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));

  auto const question = question_of(community, query);
  std::optional<api::CursorPlace> from;  // numbers: total, page, member; text: the key of the order
  if (query.cursor) {
    from = api::read_cursor(question, 3, *query.cursor, now);
    if (!from)
      return fail(errors::kInvalidCursor, "This cursor is older than 24 hours, or of another list. Begin again without it.",
                  {{"cursor", "invalid_cursor", "This cursor does not go on with this list."}});
  }
  ProfilePage out;
  out.limit = query.limit.value_or(api::kPageLimitDefault);
  out.page = from ? from->numbers[1] + 1 : query.page.value_or(1);
  return database_.read([&](sql::Tx& tx) -> Result<ProfilePage> {
    out.host = community_host(tx, community);
    // Counting goes through everybody: a walk by cursor counts once, at its beginning.
    out.total = from ? from->numbers[0] : count_profiles(tx, community, filter, now);
    std::string last_key;
    bool more = false;
    list_profiles(tx, community, filter, from ? std::optional(ProfilePlace{from->text, {from->numbers[2]}}) : std::nullopt,
                  from ? 0 : (out.page - 1) * out.limit, out.limit + 1, now, [&](Profile p, std::string key) {
                    if (static_cast<std::int64_t>(out.items.size()) == out.limit) {
                      more = true;
                      return;
                    }
                    last_key = std::move(key);
                    out.items.push_back(std::move(p));
                  });
    if (more) out.next_cursor = api::write_cursor(question, {{out.total, out.page, out.items.back().member.value}, last_key}, now);
    if (!out.items.empty()) add_names(tx, community, out.items);
    return std::move(out);
  });
}

Result<ProfileService::One> ProfileService::update(api::Context const& context, PublicId user, ProfileChange const& change,
                                                   std::vector<Issue> issues) {
  auto const texts = read_texts(change, issues);
  std::optional<std::string> zone;
  if (change.timeZone && *change.timeZone && !trim_blanks(**change.timeZone).empty()) {
    zone = trim_blanks(**change.timeZone);
    if (!is_time_zone(*zone)) wrong(issues, "/timeZone", "bad_value", "timeZone must be an IANA time zone such as Europe/Berlin.");
  }
  if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));

  CommunityNo const community = context.community;
  return database_.write([&](sql::Tx& tx) -> Result<One> {
    Catalogue const no_sets;
    std::vector<Slot> slots;
    for (auto const& t : texts) slots.push_back(t.slot);
    MemberChanges changes(community, no_sets, std::move(slots));
    changes.load(tx, {{user.number}});
    auto const before = find_profile(tx, community, {user.number}, context.now);
    if (!before || before->id() != user) return std::unexpected(no_such_member());

    std::vector<SlotChange> row;
    std::vector<std::string> names;
    std::vector<Issue> refused;
    for (std::size_t s = 0; s < texts.size(); ++s) {
      auto evaluated = changes.evaluate({0, 0}, 0, s, ledger::Operator::overwrite, texts[s].value, {}, {});
      if (!evaluated) {
        wrong(refused, texts[s].place, evaluated.error().code, evaluated.error().message);
        continue;
      }
      if (evaluated->before.value != evaluated->after.value) names.push_back(texts[s].place.substr(1));
      row.push_back(*std::move(evaluated));
    }
    if (!refused.empty()) return std::unexpected(api::invalid_request(std::move(refused)));
    auto const actor = access::actor_of(context.principal);
    if (changes.commit_row(row)) {
      SourceNo const source{numbers_.next()};
      // Nobody sends this change twice under one name: its own number is its external id.
      ledger::create_source(tx, community, source,
                            {.kind = actor.type,
                             .external_id = "auto:" + std::to_string(source.value),
                             .actor = actor,
                             .history_items = changes.history_items()},
                            context.now);
      changes.write(tx, source, numbers_, 1);
    }
    if (change.timeZone && zone != before->time_zone) {
      set_time_zone(tx, community, before->member, zone);
      names.emplace_back("timeZone");
    }
    if (change.hidden) {
      std::int64_t hidden = before->hidden;
      auto const put = [&](std::optional<bool> wanted, std::int64_t bit) {
        if (wanted) hidden = *wanted ? hidden | bit : hidden & ~bit;
      };
      put(change.hidden->name, kHidesName);
      put(change.hidden->email, kHidesEmail);
      if (hidden != before->hidden) {
        set_hidden(tx, community, before->member, hidden);
        names.emplace_back("hidden");
      }
    }
    if (!names.empty())
      access::write_audit(tx, community, numbers_.next(),
                          {actor, "user.update", user.to_string(), changed_names(names), context.remote_address, context.now});
    return One{*find_profile(tx, community, before->member, context.now), community_host(tx, community)};
  });
}

}  // namespace fealty::members
