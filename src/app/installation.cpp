#include "app/installation.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/log.h"

namespace fealty::app {

namespace fs = std::filesystem;

void prepare_data_folder(StorageSettings const& s) {
  std::error_code error;
  bool const made = fs::create_directories(s.data, error);
  if (error) throw OperatorError("The data folder " + s.data + " cannot be made: " + error.message() + ".");
  if (made) fs::permissions(s.data, fs::perms::owner_all, error);
  struct stat st{};
  if (::stat(s.data.c_str(), &st) != 0 || !S_ISDIR(st.st_mode)) throw OperatorError(s.data + " is not a folder.");
  if ((st.st_mode & S_IWOTH) != 0)
    throw OperatorError("Everybody may write to the data folder " + s.data + ". Take that right away (chmod o-w " + s.data +
                        ") and start again.");
}

namespace {

struct flock whole_file() {
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  return whole;
}

}  // namespace

DataLock::DataLock(std::string const& folder) : descriptor_(::open((folder + "/server.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  if (descriptor_ < 0)
    throw OperatorError("The lock file in " + folder + " cannot be opened: " + std::generic_category().message(errno) + ".");
  struct flock whole = whole_file();
  if (::fcntl(descriptor_, F_OFD_SETLK, &whole) != 0) {
    ::close(descriptor_);
    throw OperatorError("Another server runs on the data folder " + folder + ". Stop it first, or choose another folder with --data.");
  }
}

DataLock::~DataLock() { ::close(descriptor_); }

bool DataLock::is_held(std::string const& folder) {
  int const descriptor = ::open((folder + "/server.lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  struct flock held = whole_file();
  bool const is_told = ::fcntl(descriptor, F_OFD_GETLK, &held) == 0;
  ::close(descriptor);
  return !is_told || held.l_type != F_UNLCK;
}

std::unique_ptr<sql::Database> open_database(StorageSettings const& s, Patience patience) {
  sql::Settings settings;
  settings.url = s.database_url();
  settings.connections_max = s.database_connections;
  settings.cache_kib = s.database_cache_mib * 1024;
  if (patience == Patience::unlimited) settings.statement_timeout_ms = 0;
  return sql::open(settings);
}

void ensure_schema(sql::Database& database, Upgrade upgrade) {
  int const present = sql::schema_version(database), wanted = sql::migrations().back().version;
  if (present == wanted) return;
  if (present != 0 && upgrade == Upgrade::no && present < wanted)
    throw OperatorError("The database has schema " + std::to_string(present) + ", this program works with " + std::to_string(wanted) +
                        ". Start the new server, or run: fealty migrate");
  int const applied = sql::migrate(database);
  if (applied > 0) log::info("schema.migrated", {{"from", present}, {"to", wanted}});
}

}  // namespace fealty::app
