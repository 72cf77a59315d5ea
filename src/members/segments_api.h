// What the operations of segments take and give.
#pragma once
#include "members/users_export_api.h"

namespace fealty::members {

struct SegmentPartOut {
  std::string kind, name;
};
struct SegmentOut {
  std::string _id, name, description;
  api::Json filter;
  std::vector<std::string> columns;
  std::vector<SegmentPartOut> broken;
  std::string createdAt, updatedAt;
};
struct CreateSegmentIn {
  std::string name;
  std::optional<std::string> description;
  api::Json filter;
  std::optional<std::vector<std::string>> columns;
};
struct UpdateSegmentIn {
  std::optional<std::string> name, description;
  std::optional<api::Json> filter;
  std::optional<std::vector<std::string>> columns;
};
struct SegmentsQuery {
  std::int64_t page = 1, limit = 20;
  std::optional<std::string> sort, search;
};
struct DeletedSegment {
  std::string _id;
};
struct SegmentCount {
  std::int64_t total = 0;
};
struct SegmentUsersIn {
  std::optional<std::vector<std::string>> fields;
  std::optional<std::string> cursor;
  std::optional<std::int64_t> page;
};
struct SegmentExportQuery {
  std::vector<std::string> fields;
  std::optional<std::string> layout, balances;
};

}  // namespace fealty::members

#define FEALTY_G(T, name, ...) field<&fealty::members::T::name>(#name, __VA_ARGS__)
#define FEALTY_SEGMENT_NAME(T, is_needed)                                         \
  FEALTY_G(T, name, "1 to 100 characters, unique in the community without case.", \
           {.min = 1, .max = 100, .required = (is_needed), .example = "\"Active in Singapore\""})
#define FEALTY_SEGMENT_FILTER(T, is_needed)                                       \
  FEALTY_G(T, filter, "Conditions, as users/filter takes them. {} is everybody.", \
           {.required = (is_needed), .example = R"({"country":"SG","xp":{"gte":100}})"})
#define FEALTY_SEGMENT_TEXTS(T)                                                                                          \
  FEALTY_G(T, description, "For people.", {.max = 500, .format = "multi-line"}),                                         \
      FEALTY_G(T, columns, "Columns that its pages and files have when none are asked for, as users/filter names them.", \
               {.max = kExportColumnsMax, .example = R"(["user_id","email"])"})

FEALTY_SCHEMA(fealty::members::SegmentPartOut, FEALTY_G(SegmentPartOut, kind, "field, role, tag, or filter."),
              FEALTY_G(SegmentPartOut, name, "Its key or name when the segment was saved."))
FEALTY_SCHEMA(fealty::members::SegmentOut, FEALTY_G(SegmentOut, _id, "Id of the segment."), FEALTY_G(SegmentOut, name, "Name."),
              FEALTY_G(SegmentOut, description, "For people."),
              FEALTY_G(SegmentOut, filter, "Conditions, with the present names of fields, roles and tags."),
              FEALTY_G(SegmentOut, columns, "Columns that its pages and files have when none are asked for."),
              FEALTY_G(SegmentOut, broken, "What it refers to and is gone. While there is something, it has no members."),
              FEALTY_G(SegmentOut, createdAt, "When it was made.", {.format = "date-time"}),
              FEALTY_G(SegmentOut, updatedAt, "When it was last changed.", {.format = "date-time"}))
FEALTY_SCHEMA(fealty::members::CreateSegmentIn, FEALTY_SEGMENT_NAME(CreateSegmentIn, true), FEALTY_SEGMENT_FILTER(CreateSegmentIn, true),
              FEALTY_SEGMENT_TEXTS(CreateSegmentIn))
FEALTY_SCHEMA(fealty::members::UpdateSegmentIn, FEALTY_SEGMENT_NAME(UpdateSegmentIn, false), FEALTY_SEGMENT_FILTER(UpdateSegmentIn, false),
              FEALTY_SEGMENT_TEXTS(UpdateSegmentIn))
FEALTY_SCHEMA(fealty::members::SegmentsQuery,
              field<&fealty::members::SegmentsQuery::page>("page", "Page, from 1.", {.min = 1, .max = 1'000'000, .example = "1"}),
              field<&fealty::members::SegmentsQuery::limit>("limit", "Items of a page; 20 when not given.",
                                                            {.min = 1, .max = 100, .example = "20"}),
              FEALTY_G(SegmentsQuery, sort, "createdAt, updatedAt or name, with :asc or :desc.", {.example = "\"name:asc\""}),
              FEALTY_G(SegmentsQuery, search, "keyword:TEXT in name and description.", {.max = 200}))
FEALTY_SCHEMA(fealty::members::DeletedSegment, FEALTY_G(DeletedSegment, _id, "Id of the segment that is gone."))
FEALTY_SCHEMA(fealty::members::SegmentCount, FEALTY_G(SegmentCount, total, "Members who fit, counted now."))
FEALTY_SCHEMA(fealty::members::SegmentUsersIn,
              FEALTY_G(SegmentUsersIn, fields, "Columns; those of the segment when absent.", {.max = kExportColumnsMax}),
              FEALTY_G(SegmentUsersIn, cursor, "next_cursor of the page before."),
              FEALTY_G(SegmentUsersIn, page, "Page of 200, from 1; not together with cursor.", {.min = 1, .max = 1'000'000}))
FEALTY_SCHEMA(fealty::members::SegmentExportQuery,
              FEALTY_G(SegmentExportQuery, fields, "Columns, separated by commas; those of the segment when absent.",
                       {.max = kExportColumnsMax}),
              FEALTY_EXPORT_LAYOUT(SegmentExportQuery))
#undef FEALTY_G
