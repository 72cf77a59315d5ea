#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "api/json_writer.h"
#include "app/doctor.h"
#include "app/identity_wiring.h"
#include "app/installation.h"
#include "app/operator_commands.h"
#include "sql/connection_environment.h"

namespace fealty::app {
namespace {

namespace fs = std::filesystem;
constexpr char kSqliteCopy[] = "fealty.db", kPostgresCopy[] = "fealty.pgdump", kUploadsCopy[] = "uploads", kAvatarsCopy[] = "avatars",
               kSecretCopy[] = "secret.key";

struct Options {
  StorageSettings storage;
  bool json = false;
  std::string folder;
};

int run_migrate(Options const& o) {
  prepare_data_folder(o.storage);
  auto const database = open_database(o.storage);
  int const before = sql::schema_version(*database);
  int const applied = sql::migrate(*database);
  std::cout << (applied == 0 ? "Schema " + std::to_string(before) + " is up to date.\n"
                             : "Applied " + std::to_string(applied) + " migrations; the schema is now " +
                                   std::to_string(sql::schema_version(*database)) + ".\n");
  return 0;
}

int run_doctor(Options const& o) {
  if (o.storage.is_sqlite() && !fs::exists(o.storage.data))
    throw OperatorError("There is no installation in " + o.storage.data + "; name it with --data.");
  auto const database = open_database(o.storage, Patience::unlimited);
  auto const findings = examine(o.storage, *database);
  bool good = true;
  for (auto const& f : findings) good &= f.good;
  if (o.json) {
    api::JsonWriter w;
    w.begin_object().key("ok").boolean(good).key("findings").begin_array();
    for (auto const& f : findings)
      w.begin_object().key("ok").boolean(f.good).key("check").string(f.check).key("detail").string(f.detail).end_object();
    std::cout << w.end_array().end_object().take() << "\n";
  } else {
    for (auto const& f : findings) std::cout << (f.good ? "ok     " : "WRONG  ") << f.check << ": " << f.detail << "\n";
    std::cout << (good ? "\nAll is well.\n" : "\nSomething is wrong: see the lines marked WRONG.\n");
  }
  return good ? 0 : 1;
}

// Runs a PostgreSQL tool. The connection travels in the environment, where other users of the machine cannot read it.
void run_tool(std::string const& url, std::vector<std::string> arguments) {
  std::vector<std::string> environment = sql::postgres_environment(url);
  for (char** at = environ; *at != nullptr; ++at)
    if (!std::string_view(*at).starts_with("PG")) environment.emplace_back(*at);
  auto pointers = [](std::vector<std::string>& list) {
    std::vector<char*> out;
    for (auto& s : list) out.push_back(s.data());
    out.push_back(nullptr);
    return out;
  };
  auto argv = pointers(arguments), envp = pointers(environment);
  pid_t child = 0;
  if (int const error = ::posix_spawnp(&child, argv[0], nullptr, nullptr, argv.data(), envp.data()); error != 0)
    throw OperatorError(arguments[0] + " cannot be started (" + std::generic_category().message(error) +
                        "): install PostgreSQL's client programs.");
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw OperatorError(arguments[0] + " failed; its message stands above.");
}

void sync_file(fs::path const& path) {
  int const d = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (d < 0 || ::fsync(d) != 0) {
    int const error = errno;
    if (d >= 0) ::close(d);
    throw OperatorError(path.string() + " cannot be synced: " + std::generic_category().message(error) + ".");
  }
  ::close(d);
}

// The database first, then the files: a file is never changed, and it is there before the job that names it.
int run_backup(Options const& o) {
  fs::path const target(o.folder);
  std::error_code error;
  if (fs::exists(target) && !fs::is_empty(target, error))
    throw OperatorError(o.folder + " is not empty: name a new folder for each backup.");
  fs::create_directories(target / kUploadsCopy);
  fs::permissions(target, fs::perms::owner_all);
  if (o.storage.is_sqlite()) {
    open_database(o.storage)->backup_to((target / kSqliteCopy).string());
  } else {
    run_tool(o.storage.database_url(), {"pg_dump", "--format=custom", "--file=" + (target / kPostgresCopy).string()});
    sync_file(target / kPostgresCopy);
  }
  std::size_t files = 0;
  auto const copy_all = [&](fs::path const& from, fs::path const& to) {
    if (!fs::exists(from)) return;
    fs::create_directories(to);
    for (auto const& entry : fs::directory_iterator(from)) {
      if (!entry.is_regular_file(error) || entry.path().extension() == ".part") continue;
      fs::path const copy = to / entry.path().filename();
      fs::copy_file(entry.path(), copy, error);
      if (error == std::errc::no_such_file_or_directory) continue;  // it was erased meanwhile
      if (error) throw OperatorError("Copying " + entry.path().string() + " failed: " + error.message() + ".");
      sync_file(copy);
      ++files;
    }
    sync_file(to);
  };
  copy_all(uploads_folder(o.storage), target / kUploadsCopy);
  copy_all(avatars_folder(o.storage), target / kAvatarsCopy);
  // A secret that lies elsewhere is kept elsewhere too.
  if (fs::path const secret = secret_file(o.storage); o.storage.secret_file.empty() && fs::exists(secret)) {
    fs::copy_file(secret, target / kSecretCopy);
    fs::permissions(target / kSecretCopy, fs::perms::owner_read | fs::perms::owner_write);
    sync_file(target / kSecretCopy);
  }
  sync_file(target / kUploadsCopy);
  sync_file(target);
  std::cout << "Backed up the database and " << files << (files == 1 ? " file" : " files") << " to " << o.folder << ".\n";
  return 0;
}

int run_restore(Options const& o) {
  fs::path const source(o.folder);
  fs::path const copy = source / (o.storage.is_sqlite() ? kSqliteCopy : kPostgresCopy);
  if (!fs::exists(copy)) throw OperatorError("There is no " + copy.string() + ": " + o.folder + " is not a backup of this engine.");
  prepare_data_folder(o.storage);
  DataLock const lock(o.storage.data);
  if (fs::exists(uploads_folder(o.storage)) && !fs::is_empty(uploads_folder(o.storage)))
    throw OperatorError("There are uploads in " + o.storage.data + " already: restore into an empty data folder.");
  if (o.storage.is_sqlite()) {
    auto const url = o.storage.database_url();
    fs::path const place = url.substr(std::string_view("sqlite://").size());
    if (fs::exists(place)) throw OperatorError(place.string() + " exists already: restore into an empty data folder.");
    fs::path const partial = place.string() + ".part";
    fs::remove(partial);
    fs::copy_file(copy, partial);
    fs::permissions(partial, fs::perms::owner_read | fs::perms::owner_write);
    sync_file(partial);
    fs::rename(partial, place);
  } else {
    if (sql::schema_version(*open_database(o.storage)) != 0)
      throw OperatorError("The database is not empty: restore into a new, empty one.");
    run_tool(o.storage.database_url(), {"pg_restore", "--no-owner", "--exit-on-error", "--single-transaction",
                                        "--dbname=" + sql::postgres_database_name(o.storage.database_url()), copy.string()});
  }
  auto const restore_all = [](fs::path const& from, fs::path const& to) {
    fs::create_directories(to);
    if (!fs::exists(from)) return;  // a backup from before there were such files
    for (auto const& entry : fs::directory_iterator(from)) {
      fs::copy_file(entry.path(), to / entry.path().filename());
      sync_file(to / entry.path().filename());
    }
  };
  restore_all(source / kUploadsCopy, uploads_folder(o.storage));
  restore_all(source / kAvatarsCopy, avatars_folder(o.storage));
  if (fs::path const secret = source / kSecretCopy; o.storage.secret_file.empty() && fs::exists(secret)) {
    fs::copy_file(secret, secret_file(o.storage), fs::copy_options::overwrite_existing);
    fs::permissions(secret_file(o.storage), fs::perms::owner_read | fs::perms::owner_write);
    sync_file(secret_file(o.storage));
  }
  sync_file(o.storage.data);
  auto const findings = examine(o.storage, *open_database(o.storage, Patience::unlimited));
  for (auto const& f : findings)
    if (!f.good) std::cout << "WRONG  " << f.check << ": " << f.detail << "\n";
  bool const good = std::all_of(findings.begin(), findings.end(), [](Finding const& f) { return f.good; });
  std::cout << (good ? "Restored, and every check of the doctor passed.\n" : "Restored, but the doctor found something wrong.\n");
  return good ? 0 : 1;
}

}  // namespace

void add_maintenance_commands(CLI::App& app, std::vector<std::function<int()>>& chosen) {
  auto options = std::make_shared<Options>();
  auto command = [&](std::string const& name, std::string const& help, int (*run)(Options const&)) {
    auto* sub = app.add_subcommand(name, help);
    add_storage_options(*sub, options->storage);
    sub->callback([options, run, &chosen] { chosen.emplace_back([options, run] { return run(*options); }); });
    return sub;
  };
  command("migrate", "Bring the database to the schema of this program (serve does it too)", run_migrate);
  command("doctor", "Check storage, that every balance equals the sum of its entries, and that every row of a job took effect once",
          run_doctor)
      ->add_flag("--json", options->json, "Answer as JSON");
  command("backup", "Copy database and uploads, consistently, also while servers run", run_backup)
      ->add_option("target", options->folder, "New or empty folder")
      ->required();
  command("restore", "Put a backup into an empty installation", run_restore)
      ->add_option("source", options->folder, "Folder that backup made")
      ->required();
}

}  // namespace fealty::app
