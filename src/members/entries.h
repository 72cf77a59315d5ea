// The ledger over HTTP: its entries, newest first, and taking one of them back.
#pragma once
#include "access/once.h"
#include "api/context.h"
#include "api/route.h"
#include "ledger/ledger.h"
#include "members/entries_api.h"

namespace fealty::members {

struct EntryPage {
  std::vector<EntryOut> items;
  std::optional<std::string> next_cursor;
};

// Any thread.
class EntriesService {
 public:
  EntriesService(sql::Database& database, NumberSource& numbers) : database_(database), numbers_(numbers), ledger_(database, numbers) {}

  // Of the whole community, or of one member; who is neither key nor administrator sees his own, without what others noted.
  Result<EntryPage> list(api::Context const& context, EntriesQuery const& query);
  Result<api::Answer> reverse(api::Context const& context, PublicId entry, ReverseIn const& in, std::optional<access::OnceKey> const& key);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
  ledger::LedgerService ledger_;
};

std::vector<api::Route> entries_routes(EntriesService& service);

}  // namespace fealty::members
