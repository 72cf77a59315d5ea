#include "api/cursor.h"
#include "base/text.h"
#include "members/default_fields.h"
#include "members/histories.h"
#include "members/history_items.h"
#include "members/time_bounds.h"
#include "members/users_filter.h"
#include "members/users_store.h"

namespace fealty::members {
namespace {

// Items that a list by page may pass over; behind them a cursor is needed.
constexpr std::int64_t kSkipMax = 10'000;
// Items that one answer may look at, where most of them are not shown (another source, a deleted field, deleted members): about
// 50 ms. Then the page is shorter, and its cursor goes on from there.
constexpr std::size_t kLooksMax = 20'000;

void wrong(std::vector<Issue>& issues, std::string place, std::string code, std::string message) {
  issues.push_back({std::move(place), std::move(code), std::move(message)});
}

// What a query says, checked.
struct Wanted {
  HistoryOrder order = HistoryOrder::newest_first;
  HistoryBounds bounds;
  std::optional<std::vector<std::string>> members;  // of the items
};

Wanted read_query(HistoriesQuery const& q, std::string const& zone, std::vector<Issue>& issues) {
  Wanted out;
  if (q.sort) {
    if (*q.sort == "createdAt:asc")
      out.order = HistoryOrder::oldest_first;
    else if (*q.sort != "createdAt:desc" && *q.sort != "createdAt")
      wrong(issues, "sort", "bad_value", "sort is createdAt:desc or createdAt:asc; found \"" + *q.sort + "\".");
  }
  out.bounds = read_bounds(zone, q.startDate, q.endDate, issues);
  if (q.cursor && q.page) wrong(issues, "cursor", "conflicting_parameters", "Send either cursor or page, not both.");
  if ((q.page.value_or(1) - 1) * q.limit > kSkipMax)
    wrong(issues, "page", std::string(errors::kPageTooDeep.code),
          "Pages behind " + std::to_string(kSkipMax) + " items are read with a cursor alone.");
  if (q.fields) {
    out.members.emplace();
    for (auto const part : split(*q.fields, ',')) {
      auto const name = trim_space(part);
      auto const& known = api::Schema<UserFieldHistoryItem>::def.fields;
      if (std::ranges::any_of(known, [&](api::FieldDef const& f) { return f.name == name; }))
        out.members->emplace_back(name);
      else
        wrong(issues, "fields", "unknown_field", "There is no member \"" + std::string(name) + "\" in an item.");
    }
  }
  return out;
}

// All that the order and the content of a list depend on.
std::string question_of(CommunityNo community, HistoryScope const& scope, HistoriesService::Asked const& asked, HistoriesQuery const& q) {
  std::string text =
      std::to_string(community.value) + ":histories:" + std::to_string(scope.member.value) + ":" + std::to_string(scope.field.value);
  for (auto const* part : {&asked.source, &q.sort, &q.startDate, &q.endDate}) {
    text += '\0';
    text += part->value_or("\1");
  }
  return text;
}

Error no_such_field() { return {&errors::kFieldNotFound, "There is no such field in this community."}; }

Result<FieldNo> find_field_number(api::Context const& context, Catalogue const& catalogue, std::string const& text) {
  auto const id = PublicId::parse(text);
  if (!id)
    return fail(fealty::errors::kInvalidRequest, "A field's id has 24 hexadecimal digits.",
                {{"fieldId", "bad_id", "\"" + text + "\" is not an id of 24 hexadecimal digits."}});
  // Of those that have no history here the number lies above all others: its list is empty.
  if (auto const index = find_default_field(context.principal.community_id, *id)) {
    auto const number = default_fields()[*index].number;
    return number ? number : FieldNo{kCustomFieldsFrom - 1};
  }
  for (auto const& field : catalogue.fields)
    if (field.id() == *id) return field.number;
  return std::unexpected(no_such_field());
}

// Reads on until the page is full, leaving out what is not shown.
class Collector {
 public:
  Collector(sql::Tx& tx, CommunityNo community, Catalogue const& catalogue, std::optional<std::string> const& source, PeopleShown& people)
      : tx_(tx), community_(community), source_(source), people_(people) {
    for (auto const& f : catalogue.fields) living_.insert(f.number);
  }

  std::vector<SourcedItem> items;
  std::optional<std::int64_t> last;  // where a next page goes on, if there may be one

  void collect(HistoryWalk& walk, std::size_t skip, std::size_t limit) {
    std::size_t looks = 0, shown = 0;
    while (true) {
      auto const wanted = std::min<std::size_t>(skip + limit + 1 - shown, kStepMax);
      auto found = walk.next(wanted);
      bool const at_end = found.size() < wanted;
      looks += found.size();
      auto const last_seen = found.empty() ? 0 : found.back().item.number.value;
      for (auto& item : leave_out(std::move(found))) {
        if (shown++ < skip) continue;
        if (items.size() == limit) {
          last = items.back().item.number.value;
          return;
        }
        items.push_back(std::move(item));
      }
      if (at_end) return;
      if (looks >= kLooksMax) {
        last = last_seen;
        return;
      }
    }
  }

 private:
  static constexpr std::size_t kStepMax = 500;

  std::vector<SourcedItem> leave_out(std::vector<SourcedItem> found) {
    std::erase_if(found, [&](SourcedItem const& i) { return i.item.field.value >= kCustomFieldsFrom && !living_.contains(i.item.field); });
    std::vector<MemberNo> members;
    for (auto const& i : found) members.push_back(i.item.member);
    people_.look_up(std::move(members));
    std::erase_if(found, [&](SourcedItem const& i) { return !people_.is_here(i.item.member); });
    if (!source_) return found;
    std::vector<SourceNo> numbers;
    for (auto const& i : found) numbers.push_back(i.source);
    std::vector<bool> fits(found.size());
    load_sources(tx_, community_, numbers, [&](std::size_t i, ChangeSource const& s) {
      fits[i] = show_source(s, found[i].item.member, found[i].item.source_row).source.kind == *source_;
    });
    std::vector<SourcedItem> out;
    for (std::size_t i = 0; i < found.size(); ++i)
      if (fits[i]) out.push_back(std::move(found[i]));
    return out;
  }

  sql::Tx& tx_;
  CommunityNo community_;
  std::optional<std::string> const& source_;
  PeopleShown& people_;
  std::set<FieldNo> living_;
};

std::int64_t count(sql::Tx& tx, HistoryScope const& scope, HistoryBounds const& bounds) {
  if (scope.member && scope.field) return count_items_of_value(tx, scope.community, scope.member, scope.field, bounds);
  if (scope.member) return count_items_of_member(tx, scope.community, scope.member, bounds);
  return count_items(tx, scope.community, scope.field, bounds);
}

}  // namespace

Result<HistoryPage> HistoriesService::list(api::Context const& context, Asked const& asked, HistoriesQuery const& query) {
  CommunityNo const community = context.community;
  return database_.read([&](sql::Tx& tx) -> Result<HistoryPage> {
    std::vector<Issue> issues;
    auto const wanted = read_query(query, community_zone(tx, community), issues);
    HistoryScope scope{community};
    auto const catalogue = load_catalogue(tx, community);
    if (asked.field) {
      auto const number = find_field_number(context, catalogue, *asked.field);
      if (!number && number.error().def != &fealty::errors::kInvalidRequest) return std::unexpected(number.error());
      if (number)
        scope.field = *number;
      else
        issues.insert(issues.end(), number.error().issues.begin(), number.error().issues.end());
    }
    if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
    if (asked.user) {
      auto const account = find_user(tx, community, *asked.user);
      if (!account) return std::unexpected(account.error());
      scope.member = account->number;
    }
    auto const question = question_of(community, scope, asked, query);
    std::optional<api::CursorPlace> from;  // the last item, total (-1: not counted), page
    if (query.cursor) {
      from = api::read_cursor(question, 3, *query.cursor, context.now);
      if (!from)
        return fail(errors::kInvalidCursor, "This cursor is older than 24 hours, or of another list. Begin again without it.",
                    {{"cursor", "invalid_cursor", "This cursor does not go on with this list."}});
    }

    HistoryPage out;
    out.limit = query.limit;
    out.page = from ? from->numbers[2] + 1 : query.page.value_or(1);
    PeopleShown people(tx, community);
    Collector page(tx, community, catalogue, asked.source, people);
    HistoryWalk walk(tx, scope, wanted.bounds, wanted.order, from ? std::optional(from->numbers[0]) : std::nullopt);
    page.collect(walk, from ? 0 : static_cast<std::size_t>((out.page - 1) * out.limit), static_cast<std::size_t>(out.limit));

    bool const counted = !asked.source && !query.skipTotal.value_or(false);
    if (from && from->numbers[1] >= 0)
      out.total = from->numbers[1];
    else if (counted && !from)
      out.total = count(tx, scope, wanted.bounds);
    if (page.last) out.next_cursor = api::write_cursor(question, {{*page.last, out.total.value_or(-1), out.page}}, context.now);
    for (auto const& item : show_items(tx, context, catalogue, page.items, people))
      out.items.push_back({wanted.members ? api::to_json(item, *wanted.members) : api::to_json(item)});
    return out;
  });
}

}  // namespace fealty::members
