// Members as a CSV file, made while it is sent: constant memory whatever their number.
//
// In the layout `bulk` the file can be edited and given to the bulk update: headers are its columns, cells are what it reads as
// the very values that are stored, and what it must not read stands in columns that it passes over ("#…"). A default value of
// a field, a hidden name and a hidden e-mail are empty cells there, which change nothing. In the layout `plain` it is what
// users/filter shows, with the names of its columns. In both no spreadsheet program runs a cell (api/csv_cell.h).
#pragma once
#include "api/http_types.h"
#include "members/user_pages.h"
#include "members/users_export_api.h"

namespace fealty::members {

struct ExportLayout {
  bool is_plain = false;
  // Balances as columns that the bulk update applies, with the operator overwrite. Otherwise they are notes: a file that lay
  // about for a day would take back what was earned and spent meanwhile.
  bool overwrites_balances = false;
};

// The columns that a file has when none are named.
std::vector<std::string> export_columns(ExportLayout const& layout, Catalogue const& catalogue);

class UsersExport final : public api::BodyStream {
 public:
  // Columns and conditions are of this catalogue; conditions are looked up. The database outlives the stream.
  UsersExport(sql::Database& database, CommunityNo community, std::unique_ptr<Catalogue const> catalogue, std::vector<AskedColumn> columns,
              std::vector<Condition> conditions, ExportLayout layout, TimeMs now);
  Next next(std::string& out) override;

 private:
  struct Use {
    AskedColumn column;
    std::string header;
    Slot slot;              // custom fields
    std::size_t place = 0;  // of its value among those of a row
    bool has_operator = false;
    bool is_numeric = false;
  };
  void read_more();
  void write_header(std::string& out) const;
  void write_row(std::string& out, std::size_t index) const;
  // What the cell means, before it is made safe; false for an empty one.
  bool cell(std::string& out, std::size_t index, Use const& use) const;
  std::string header_of(AskedColumn const& column) const;

  sql::Database& database_;
  CommunityNo const community_;
  std::unique_ptr<Catalogue const> const catalogue_;
  std::vector<AskedColumn> columns_;
  std::vector<Condition> const conditions_;
  ExportLayout const layout_;
  TimeMs const now_;
  std::vector<Use> uses_;

  Catalogue current_;  // as of the page that is being written: roles and fields may come and go meanwhile
  std::unique_ptr<FilterPage> page_;
  PageData data_;           // views the page
  std::size_t fields_ = 0;  // that are asked for
  std::size_t at_ = 0;
  std::int64_t limit_;
  std::optional<FilterPlace> after_;
  bool has_begun_ = false, has_ended_ = false;
};

// Checks what is asked for, writes down in the audit trail who reads whom, and answers with the file.
struct ExportQuestion {
  std::string action;  // of the audit entry
  std::string target, target_name;
  std::string file_name;
  std::vector<std::string> columns;  // none: those of the layout
  ExportLayout layout;
};
// "layout" and "balances" as the requests have them; checked by their schemas.
ExportLayout read_layout(std::optional<std::string> const& layout, std::optional<std::string> const& balances);

// `conditions` reads the conditions in the transaction that begins the walk.
using ReadConditions = std::function<Result<std::vector<Condition>>(sql::Tx& tx, Catalogue const& catalogue, ExportQuestion& question,
                                                                    std::vector<Issue>& issues)>;
Result<api::Response> export_users(sql::Database& database, NumberSource& numbers, api::Context const& context, api::Request const& request,
                                   ExportQuestion question, ReadConditions const& conditions);

}  // namespace fealty::members
