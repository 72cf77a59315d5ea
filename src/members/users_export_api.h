// What exports of users take.
#pragma once
#include "api/schema.h"

namespace fealty::members {

inline constexpr std::string_view kExportLayouts[] = {"bulk", "plain"};
inline constexpr std::string_view kExportBalances[] = {"note", "overwrite"};
inline constexpr std::int64_t kExportColumnsMax = 300;

struct ExportIn {
  std::optional<std::vector<std::string>> fields;
  std::optional<api::Json> filter;
  std::optional<std::string> layout, balances;
};

}  // namespace fealty::members

namespace fealty::api {
using members::kExportBalances;
using members::kExportColumnsMax;
using members::kExportLayouts;
}  // namespace fealty::api

#define FEALTY_EXPORT_LAYOUT(T)                                                                                                       \
  field<&fealty::members::T::layout>("layout",                                                                                        \
                                     "bulk: the bulk update reads the file again; plain: names and values as users/filter has them. " \
                                     "bulk when absent.",                                                                             \
                                     {.one_of = kExportLayouts}),                                                                     \
      field<&fealty::members::T::balances>(                                                                                           \
          "balances",                                                                                                                 \
          "In the layout bulk: note makes them columns that an upload passes over, overwrite sets them to what the file says. note "  \
          "when absent.",                                                                                                             \
          {.one_of = kExportBalances})

FEALTY_SCHEMA(fealty::members::ExportIn,
              field<&fealty::members::ExportIn::fields>("fields",
                                                        "Columns, as users/filter names them. All that the layout is made for when absent.",
                                                        {.max = kExportColumnsMax, .example = R"(["user_id","email","tier"])"}),
              field<&fealty::members::ExportIn::filter>("filter", "Conditions, as users/filter takes them; everybody when absent.",
                                                        {.example = R"({"country":"SG"})"}),
              FEALTY_EXPORT_LAYOUT(ExportIn))
