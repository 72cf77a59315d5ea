#include <algorithm>

#include "access/audit.h"
#include "api/json_writer.h"
#include "base/hash.h"
#include "base/text.h"
#include "members/catalogue_store.h"
#include "members/segments.h"
#include "members/users.h"
#include "members/users_export.h"
#include "members/users_store.h"
#include "sql/counters.h"

namespace fealty::members {
namespace {

using api::Context;

std::unexpected<Error> no_such_segment() { return fail(errors::kSegmentNotFound, "There is no such segment in this community."); }

// ---- Reading

// What the segment refers to and is not there any more, or what its conditions are not right for any more.
struct Problems {
  std::vector<SegmentPart> gone;
  std::vector<Issue> issues;
  bool any() const { return !gone.empty() || !issues.empty(); }
};

struct Evaluated {
  ShownSegment shown;
  std::vector<Condition> conditions;
  Problems problems;
};
Evaluated evaluate(Segment const& segment, Catalogue const& catalogue, std::string_view zone) {
  Evaluated out{show_segment(segment.kept, catalogue), {}, {}};
  out.problems.gone = out.shown.gone;
  // A field that is gone is no column: what is said of it is enough.
  if (out.problems.gone.empty()) out.conditions = read_conditions(out.shown.text.filter, facts_of(catalogue, zone), out.problems.issues);
  return out;
}

std::vector<SegmentPartOut> parts_out(Problems const& problems) {
  std::vector<SegmentPartOut> out;
  for (auto const& part : problems.gone) out.push_back({std::string(to_string(part.kind)), part.name});
  for (auto const& issue : problems.issues) out.push_back({"filter", issue.field});
  return out;
}

Error broken(Segment const& segment, Problems problems) {
  std::vector<std::string> names;
  for (auto const& part : problems.gone) names.push_back(std::string(to_string(part.kind)) + " \"" + part.name + "\"");
  std::string const why =
      names.empty() ? "has conditions that its fields do not take any more" : "refers to what is gone: " + join(names, ", ");
  api::JsonWriter list;
  list.value(parts_out(problems));
  Error error{&errors::kSegmentBroken, "The segment \"" + segment.name + "\" " + why + ". Change it or delete it.",
              std::move(problems.issues)};
  error.details.push_back({"broken", DetailJson{list.take()}});
  return error;
}

SegmentOut shown(Segment const& segment, Catalogue const& catalogue, std::string_view zone) {
  auto evaluated = evaluate(segment, catalogue, zone);
  return {segment.id().to_string(),
          segment.name,
          segment.description,
          {std::move(evaluated.shown.text.filter)},
          std::move(evaluated.shown.text.columns),
          parts_out(evaluated.problems),
          to_iso(segment.created_at),
          to_iso(segment.updated_at)};
}

std::optional<Segment> find(sql::Tx& tx, Context const& context, PublicId id) {
  auto segment = find_segment(tx, context.community, id.number);
  if (segment && segment->id() != id) segment.reset();
  return segment;
}

// Cursors and totals belong to what is kept, which a change of names leaves as it is.
std::string about(Segment const& segment) { return "segments:" + std::to_string(segment.number) + ":" + sha256(segment.kept.text.filter); }

// ---- Writing

std::string read_name(std::string const& given, std::vector<Issue>& issues) {
  auto name = to_nfc(trim_space(given));
  if (name.empty() || has_control_characters(name, false))
    api::add_issue(issues, {"/name", "bad_value", "A segment's name has 1 to 100 characters on one line."});
  return name;
}

void check_size(std::string const& filter, std::vector<Issue>& issues) {
  if (static_cast<std::int64_t>(filter.size()) > kSegmentFilterBytesMax)
    api::add_issue(issues,
                   {"/filter", "too_long", "The filter of a segment has at most 65,536 bytes.", {}, {}, {}, kSegmentFilterBytesMax});
}

BoundSegment checked(SegmentText const& given, Catalogue const& catalogue, std::string_view zone, std::vector<Issue>& issues) {
  read_conditions(given.filter, facts_of(catalogue, zone), issues);
  read_columns(given.columns, facts_of(catalogue, zone), issues, "/columns");
  return bind_segment(given, catalogue, issues);
}

// Whoever deletes one of its fields waits until this transaction is over, and then sees the segment.
BoundSegment bound_and_locked(sql::Tx& tx, Context const& context, SegmentText const& given, std::vector<Issue>& issues) {
  auto const zone = community_zone(tx, context.community);
  std::vector<Issue> before;
  auto bound = checked(given, load_catalogue(tx, context.community), zone, before);
  bool is_locked = false;
  for (auto const& part : bound.parts)
    if (part.kind == SegmentPart::Kind::field) {
      lock_field(tx, context.community, {part.number});
      is_locked = true;
    }
  if (!is_locked) {
    issues.insert(issues.end(), before.begin(), before.end());
    return bound;
  }
  return checked(given, load_catalogue(tx, context.community), zone, issues);
}

Error refused(std::vector<Issue> issues) { return problems_of(std::move(issues), {&errors::kUnknownColumn, &errors::kUnknownOperator}); }

// The trail keeps no filter: an e-mail in it would outlive its holder's erasure there.
void audit(sql::Tx& tx, NumberSource& numbers, Context const& context, std::string action, SegmentOut const& out) {
  static std::vector<std::string> const kMembers = {"_id", "name", "description", "columns"};
  access::write_audit(tx, context.community, numbers.next(),
                      {access::actor_of(context.principal), std::move(action), out._id,
                       access::audit_value(api::to_json(out, kMembers), context.request_id), context.remote_address, context.now});
}

std::optional<Error> name_taken(sql::Tx& tx, Context const& context, Segment const& segment) {
  auto const other = find_segment_name(tx, context.community, fold_case(segment.name));
  if (!other || *other == segment.number) return std::nullopt;
  return Error{&errors::kSegmentExists,
               "There is a segment \"" + segment.name + "\" already.",
               {{"/name", std::string(errors::kSegmentExists.code), "This name is in use."}}};
}

}  // namespace

Result<api::Listing<SegmentOut>> SegmentsService::list(Context const& context, SegmentsQuery const& query) {
  std::vector<Issue> issues;
  std::string_view const sort = query.sort ? std::string_view(*query.sort) : "createdAt:asc";
  auto const colon = std::min(sort.find(':'), sort.size());
  auto const by = sort.substr(0, colon), direction = colon < sort.size() ? sort.substr(colon + 1) : "asc";
  if ((by != "createdAt" && by != "updatedAt" && by != "name") || (direction != "asc" && direction != "desc"))
    issues.push_back({"sort", "bad_value", "sort is createdAt, updatedAt or name, with :asc or :desc."});
  constexpr std::string_view kKeyword = "keyword:";
  if (query.search && !query.search->starts_with(kKeyword))
    issues.push_back({"search", "bad_value", "search is keyword: and the text to look for."});
  if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));

  return database_.read([&](sql::Tx& tx) {
    auto all = list_segments(tx, context.community);
    if (query.search) {
      auto const text = fold_case(query.search->substr(kKeyword.size()));
      std::erase_if(all, [&](Segment const& s) { return !fold_case(s.name).contains(text) && !fold_case(s.description).contains(text); });
    }
    auto const less = [&](Segment const& a, Segment const& b) {
      if (by == "name") return std::pair(fold_case(a.name), a.number) < std::pair(fold_case(b.name), b.number);
      if (by == "updatedAt") return std::pair(a.updated_at, a.number) < std::pair(b.updated_at, b.number);
      return a.number < b.number;
    };
    std::ranges::sort(all, [&](Segment const& a, Segment const& b) { return direction == "asc" ? less(a, b) : less(b, a); });
    api::Listing<SegmentOut> out;
    out.page = api::Page::of(static_cast<std::int64_t>(all.size()), query.page, query.limit);
    auto const first = std::min(all.size(), static_cast<std::size_t>((query.page - 1) * query.limit));
    auto const last = std::min(all.size(), first + static_cast<std::size_t>(query.limit));
    auto const catalogue = load_catalogue(tx, context.community);
    auto const zone = community_zone(tx, context.community);
    for (std::size_t i = first; i < last; ++i) out.items.push_back(shown(all[i], catalogue, zone));
    return Result<api::Listing<SegmentOut>>(std::move(out));
  });
}

Result<SegmentOut> SegmentsService::get(Context const& context, PublicId id) {
  return database_.read([&](sql::Tx& tx) -> Result<SegmentOut> {
    auto const segment = find(tx, context, id);
    if (!segment) return no_such_segment();
    return shown(*segment, load_catalogue(tx, context.community), community_zone(tx, context.community));
  });
}

Result<api::Answer> SegmentsService::create(Context const& context, CreateSegmentIn const& in, std::optional<access::OnceKey> const& key) {
  Segment segment;
  std::vector<Issue> issues;
  segment.name = read_name(in.name, issues);
  segment.description = in.description.value_or("");
  segment.created_at = segment.updated_at = context.now;
  check_size(in.filter.text, issues);
  return access::once(database_, context.community, key, context.now, [&](sql::Tx& tx) -> Result<api::Answer> {
    auto found = issues;
    // Until this transaction ends no other segment is made, so that the count holds.
    segment.number = sql::draw_numbers(tx, "segment");
    segment.kept = bound_and_locked(tx, context, {in.filter.text, in.columns.value_or(std::vector<std::string>())}, found);
    if (!found.empty()) return std::unexpected(refused(std::move(found)));
    if (auto taken = name_taken(tx, context, segment)) return std::unexpected(*std::move(taken));
    if (count_segments(tx, context.community) >= kSegmentsPerCommunityMax)
      return fail(errors::kTooManySegments, "A community can have " + std::to_string(kSegmentsPerCommunityMax) + " segments.");
    insert_segment(tx, context.community, segment, fold_case(segment.name));
    auto const out = shown(segment, load_catalogue(tx, context.community), community_zone(tx, context.community));
    audit(tx, numbers_, context, "segment.create", out);
    return api::Answer{.status = 201, .message = "Segment created successfully", .data = api::to_json(out)};
  });
}

Result<SegmentOut> SegmentsService::update(Context const& context, PublicId id, UpdateSegmentIn const& in) {
  // Without a key this is a transaction that runs again when it meets another one's row.
  std::optional<SegmentOut> out;
  auto const written = access::once(database_, context.community, {}, context.now, [&](sql::Tx& tx) -> Result<api::Answer> {
    auto const before = lock_segment(tx, context.community, id.number);
    if (!before || before->id() != id) return no_such_segment();
    std::vector<Issue> issues;
    Segment after = *before;
    if (in.name) after.name = read_name(*in.name, issues);
    if (in.description) after.description = *in.description;
    if (in.filter) check_size(in.filter->text, issues);
    if (in.filter || in.columns) {
      // What stays is bound anew by its names. Of what is gone the name may be another one's by now.
      auto stays = before->kept;
      if (in.filter) stays.text.filter = "{}";
      if (in.columns) stays.text.columns.clear();
      auto given = show_segment(stays, load_catalogue(tx, context.community));
      if (!given.gone.empty()) return std::unexpected(broken(*before, {std::move(given.gone), {}}));
      if (in.filter) given.text.filter = in.filter->text;
      if (in.columns) given.text.columns = *in.columns;
      after.kept = bound_and_locked(tx, context, given.text, issues);
    }
    if (!issues.empty()) return std::unexpected(refused(std::move(issues)));
    bool const is_same = after.name == before->name && after.description == before->description && after.kept.text == before->kept.text;
    if (!is_same) {
      if (auto taken = name_taken(tx, context, after)) return std::unexpected(*std::move(taken));
      after.updated_at = context.now;
      update_segment(tx, context.community, after, fold_case(after.name));
    }
    out = shown(after, load_catalogue(tx, context.community), community_zone(tx, context.community));
    if (!is_same) audit(tx, numbers_, context, "segment.update", *out);
    return api::Answer{};
  });
  if (!written) return std::unexpected(written.error());
  return *std::move(out);
}

Result<DeletedSegment> SegmentsService::remove(Context const& context, PublicId id) {
  return database_.write([&](sql::Tx& tx) -> Result<DeletedSegment> {
    auto const segment = lock_segment(tx, context.community, id.number);
    if (!segment || segment->id() != id) return no_such_segment();
    audit(tx, numbers_, context, "segment.delete",
          shown(*segment, load_catalogue(tx, context.community), community_zone(tx, context.community)));
    delete_segment(tx, context.community, segment->number);
    return DeletedSegment{id.to_string()};
  });
}

Result<SegmentCount> SegmentsService::count(Context const& context, PublicId id) {
  return database_.read([&](sql::Tx& tx) -> Result<SegmentCount> {
    auto const segment = find(tx, context, id);
    if (!segment) return no_such_segment();
    auto evaluated = evaluate(*segment, load_catalogue(tx, context.community), community_zone(tx, context.community));
    if (evaluated.problems.any()) return std::unexpected(broken(*segment, std::move(evaluated.problems)));
    if (auto error = look_up(tx, context.community, evaluated.conditions)) return std::unexpected(*std::move(error));
    return SegmentCount{pages_.count(tx, context, evaluated.conditions, about(*segment))};
  });
}

Result<api::Json> SegmentsService::users(Context const& context, PublicId id, SegmentUsersIn const& in) {
  return database_.read([&](sql::Tx& tx) -> Result<api::Json> {
    auto const segment = find(tx, context, id);
    if (!segment) return no_such_segment();
    PageQuestion const question{[&] { return about(*segment); }, in.cursor, in.page};
    if (auto error = problem_of(context, question)) return std::unexpected(*std::move(error));
    auto const catalogue = load_catalogue(tx, context.community);
    auto const zone = community_zone(tx, context.community);
    auto const facts = facts_of(catalogue, zone);
    auto evaluated = evaluate(*segment, catalogue, zone);
    if (evaluated.problems.any()) return std::unexpected(broken(*segment, std::move(evaluated.problems)));
    std::vector<Issue> issues;
    auto const& own = evaluated.shown.text.columns;
    auto const columns = read_columns(in.fields && !in.fields->empty() ? *in.fields : own.empty() ? kColumnsDefault : own, facts, issues);
    if (!issues.empty()) return std::unexpected(refused(std::move(issues)));
    if (auto error = look_up(tx, context.community, evaluated.conditions)) return std::unexpected(*std::move(error));
    return pages_.read(tx, context, facts, columns, evaluated.conditions, question);
  });
}

Result<api::Response> SegmentsService::export_file(Context const& context, api::Request const& request, PublicId id,
                                                   SegmentExportQuery const& query) {
  return export_users(
      database_, numbers_, context, request,
      {.action = "export.segment",
       .target = id.to_string(),
       .target_name = {},
       .file_name = {},
       .columns = query.fields,
       .layout = read_layout(query.layout, query.balances)},
      [&](sql::Tx& tx, Catalogue const& catalogue, ExportQuestion& question, std::vector<Issue>&) -> Result<std::vector<Condition>> {
        auto const segment = find(tx, context, id);
        if (!segment) return no_such_segment();
        auto evaluated = evaluate(*segment, catalogue, community_zone(tx, context.community));
        if (evaluated.problems.any()) return std::unexpected(broken(*segment, std::move(evaluated.problems)));
        question.target_name = segment->name;
        question.file_name = segment->name + ".csv";
        if (question.columns.empty()) question.columns = evaluated.shown.text.columns;
        return std::move(evaluated.conditions);
      });
}

}  // namespace fealty::members
