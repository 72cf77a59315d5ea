// An opened installation: its folder and its database. Every command begins with one.
#pragma once
#include <memory>
#include <string>

#include "app/settings.h"
#include "base/number_source.h"
#include "sql/sql.h"

namespace fealty::app {

// A failure whose message is for the operator: printed as it is, exit status 1.
class OperatorError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Held while a server runs on a data folder: a second one on the same folder refuses to start.
class DataLock {
 public:
  explicit DataLock(std::string const& folder);
  ~DataLock();
  DataLock(DataLock const&) = delete;
  DataLock& operator=(DataLock const&) = delete;
  // Whether a server runs on the folder. Takes nothing.
  static bool is_held(std::string const& folder);

 private:
  int descriptor_;
};

// Makes the folder when it is missing; refuses one that others may write to.
void prepare_data_folder(StorageSettings const& settings);
// How long one statement may take on PostgreSQL: the checks of a whole database take as long as they take.
enum class Patience : bool { serving, unlimited };
std::unique_ptr<sql::Database> open_database(StorageSettings const& settings, Patience patience = Patience::serving);
// The schema that this program works with. An empty database is set up; an older one is upgraded by serve and migrate
// alone, so that a command beside a running older server never changes the ground under it.
enum class Upgrade : bool { no, yes };
void ensure_schema(sql::Database& database, Upgrade upgrade);

inline std::string uploads_folder(StorageSettings const& s) { return s.data + "/uploads"; }
inline std::string avatars_folder(StorageSettings const& s) { return s.data + "/avatars"; }
inline std::string scratch_folder(StorageSettings const& s) { return s.data + "/scratch"; }

}  // namespace fealty::app
