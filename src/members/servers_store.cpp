#include "members/servers_store.h"

namespace fealty::members {
namespace {

using sql::Row;
using sql::Statement;

Statement const kCreator{"servers.creator",
                         "SELECT a.state, coalesce(c.is_operator, 0) FROM accounts a LEFT JOIN account_credentials c "
                         "ON c.account_id = a.account_id WHERE a.account_id = $1"};

}  // namespace

std::optional<Creator> find_creator(sql::Tx& tx, MemberNo account) {
  return tx.one(kCreator, [](Row const& r) { return Creator{r.boolean(1), static_cast<AccountState>(r.integer(0))}; }, account);
}

}  // namespace fealty::members
