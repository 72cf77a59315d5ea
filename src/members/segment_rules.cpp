#include "members/segment_rules.h"

#include <algorithm>
#include <charconv>

#include "api/json_tree.h"
#include "api/json_writer.h"
#include "api/typed.h"
#include "base/text.h"

namespace fealty::members {
namespace {

using api::JsonKind;
using api::JsonValue;
using Kind = SegmentPart::Kind;

constexpr char kNumberMark = '#';
constexpr std::string_view kEverybody = "@all";

// The texts of a condition one by one, whatever operators are around them.
using WriteText = std::function<void(std::string& out, JsonValue text, std::string const& place)>;
void write_condition(std::string& out, JsonValue value, std::string const& place, WriteText const& text) {
  bool first = true;
  auto const comma = [&] {
    if (!std::exchange(first, false)) out += ',';
  };
  switch (value.kind()) {
    case JsonKind::object:
      out += '{';
      for (auto const member : value) {
        comma();
        api::write_json_string(out, member.name());
        out += ':';
        std::string inner = place;
        api::append_pointer(inner, member.name());
        write_condition(out, member, inner, text);
      }
      out += '}';
      return;
    case JsonKind::array: {
      out += '[';
      std::size_t index = 0;
      for (auto const item : value) {
        comma();
        write_condition(out, item, place + "/" + std::to_string(index++), text);
      }
      out += ']';
      return;
    }
    case JsonKind::null: out += "null"; return;
    default: text(out, value, place);
  }
}

void as_it_is(std::string& out, JsonValue value, std::string const&) { value.write(out); }

bool is_set(Column column) { return column == Column::role || column == Column::tag; }

std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t number = 0;
  auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

void add_part(std::vector<SegmentPart>& parts, SegmentPart part) {
  if (std::ranges::find(parts, part) == parts.end()) parts.push_back(std::move(part));
}

class Binder {
 public:
  Binder(Catalogue const& catalogue, std::vector<Issue>& issues) : catalogue_(catalogue), issues_(issues) {}

  std::string column(AskedColumn const& asked) {
    if (!asked.field) return column_name(asked.column);
    add_part(bound.parts, {Kind::field, asked.field->number.value, column_name(*asked.field)});
    return kNumberMark + std::to_string(asked.field->number.value);
  }
  WriteText texts(Column column) {
    if (!is_set(column)) return as_it_is;
    return [this, is_role = column == Column::role](std::string& out, JsonValue value, std::string const& place) {
      auto const name = value.kind() == JsonKind::boolean ? (value.truth() ? "true" : "false") : to_nfc(value.text());
      if (is_role && name == kEverybody) return as_it_is(out, value, place);
      for (auto const& item : is_role ? catalogue_.roles : catalogue_.tags) {
        if (item.name != name) continue;
        add_part(bound.parts, {is_role ? Kind::role : Kind::tag, item.number, item.name});
        out += std::to_string(item.number);
        return;
      }
      out += "null";
      api::add_issue(issues_, {place, is_role ? "unknown_role" : "unknown_tag",
                               std::string("There is no ") + (is_role ? "role" : "tag") + " \"" + name + "\" (names are case-sensitive)."});
    };
  }

  BoundSegment bound;

 private:
  Catalogue const& catalogue_;
  std::vector<Issue>& issues_;
};

class Shower {
 public:
  Shower(BoundSegment const& kept, Catalogue const& catalogue) : kept_(kept), catalogue_(catalogue) {}

  // The column's name, and which one it is.
  std::pair<std::string, Column> column(std::string_view kept) {
    if (!kept.starts_with(kNumberMark)) {
      static Catalogue const kNone;
      auto const known = find_column(kept, facts_of(kNone, {}));
      return {std::string(kept), known ? known->column : Column::custom};
    }
    auto const number = number_in(kept.substr(1)).value_or(0);
    for (auto const& field : catalogue_.fields)
      if (field.number.value == number) return {column_name(field), Column::custom};
    return {gone(Kind::field, number), Column::custom};
  }
  WriteText texts(Column column) {
    if (!is_set(column)) return as_it_is;
    return [this, is_role = column == Column::role](std::string& out, JsonValue value, std::string const& place) {
      if (value.kind() != JsonKind::number) return as_it_is(out, value, place);
      auto const number = number_in(value.text()).value_or(0);
      for (auto const& item : is_role ? catalogue_.roles : catalogue_.tags)
        if (item.number == number) return api::write_json_string(out, item.name);
      api::write_json_string(out, gone(is_role ? Kind::role : Kind::tag, number));
    };
  }

  ShownSegment shown;

 private:
  std::string gone(Kind kind, std::int64_t number) {
    for (auto const& part : kept_.parts) {
      if (part.kind != kind || part.number != number) continue;
      add_part(shown.gone, part);
      return part.name;
    }
    throw std::logic_error("a segment refers to what is not among its parts");
  }

  BoundSegment const& kept_;
  Catalogue const& catalogue_;
};

}  // namespace

std::string_view to_string(Kind kind) { return kind == Kind::field ? "field" : kind == Kind::role ? "role" : "tag"; }

BoundSegment bind_segment(SegmentText const& given, Catalogue const& catalogue, std::vector<Issue>& issues) {
  Binder binder(catalogue, issues);
  api::JsonTree tree;
  std::vector<Issue> ignored;  // read_conditions says what is no object
  if (tree.parse(given.filter, ignored) && tree.root().kind() == JsonKind::object) {
    std::vector<std::string> seen;
    std::string out = "{";
    for (auto const member : tree.root()) {
      auto const asked = find_column(member.name(), facts_of(catalogue, {}));
      if (!asked) continue;
      std::string place = "/filter";
      api::append_pointer(place, member.name());
      auto const name = binder.column(*asked);
      if (std::ranges::find(seen, name) != seen.end())
        api::add_issue(issues, {place, "duplicate_column", "This column stands in the filter twice; put its conditions together."});
      if (!seen.empty()) out += ',';
      seen.push_back(name);
      api::write_json_string(out, name);
      out += ':';
      write_condition(out, member, place, binder.texts(asked->column));
    }
    binder.bound.text.filter = out + "}";
  }
  for (auto const& name : given.columns)
    if (auto const asked = find_column(name, facts_of(catalogue, {}))) {
      auto kept = binder.column(*asked);
      auto& columns = binder.bound.text.columns;
      if (std::ranges::find(columns, kept) == columns.end()) columns.push_back(std::move(kept));
    }
  std::ranges::sort(binder.bound.parts, {}, [](SegmentPart const& p) { return std::pair(p.kind, p.number); });
  return std::move(binder.bound);
}

ShownSegment show_segment(BoundSegment const& kept, Catalogue const& catalogue) {
  Shower shower(kept, catalogue);
  api::JsonTree tree;
  std::vector<Issue> issues;
  if (!tree.parse(kept.text.filter, issues)) throw std::runtime_error("a stored filter is no JSON");
  std::string out = "{";
  for (auto const member : tree.root()) {
    if (out.size() > 1) out += ',';
    auto const [name, column] = shower.column(member.name());
    api::write_json_string(out, name);
    out += ':';
    write_condition(out, member, "", shower.texts(column));
  }
  shower.shown.text.filter = out + "}";
  for (auto const& name : kept.text.columns) shower.shown.text.columns.push_back(shower.column(name).first);
  return std::move(shower.shown);
}

}  // namespace fealty::members
