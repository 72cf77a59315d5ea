#include "sql/sqlite/database.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "sql/sqlite/checkpointer.h"
#include "sql/sqlite/connection.h"
#include "sql/sqlite/writer.h"

namespace fealty::sql::sqlite {
namespace {

using Kind = StorageError::Kind;

// How long a write waits for another process, for instance the command line beside the server.
constexpr int kBusyTimeoutMs = 10'000;

[[noreturn]] void refuse_file(std::string const& what, int error) {
  throw StorageError(error == ENOSPC ? Kind::full : Kind::unavailable, what + ": " + std::strerror(error));
}

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(File const&) = delete;
  File& operator=(File const&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

std::string folder_of(std::string const& path) {
  auto const slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

void sync(std::string const& path) {
  File const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0 || ::fsync(file.fd()) != 0) refuse_file("cannot sync " + path, errno);
}

// A new file belongs to its owner alone; SQLite gives its log the same mode.
void make_file(std::string const& path) {
  File const file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.fd() >= 0) {
    sync(folder_of(path));
  } else if (errno != EEXIST) {
    refuse_file("cannot create the database file " + path, errno);
  }
}

void use_write_ahead_log(Connection& connection) {
  // SQLite does not call the busy handler for all locks of this change, so a second process that opens the same new file is
  // waited for here.
  auto const deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kBusyTimeoutMs);
  for (;;) {
    std::string mode;
    auto const read = [](void* out, int, char** values, char**) {
      *static_cast<std::string*>(out) = values[0] ? values[0] : "";
      return 0;
    };
    int const rc = sqlite3_exec(connection.handle(), "PRAGMA journal_mode = WAL", read, &mode, nullptr);
    if (rc == SQLITE_OK && mode == "wal") return;
    if (rc == SQLITE_OK) throw StorageError(Kind::broken, "the database's file system does not allow a write-ahead log");
    if ((rc & 0xff) != SQLITE_BUSY || std::chrono::steady_clock::now() > deadline) {
      throw error_of(connection.handle(), "cannot switch to a write-ahead log");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

// Opened when nobody else's is free: as many as read at the same time, so that a short read does not wait for long ones.
class Readers {
 public:
  Readers(std::string path, int most, int cache_kib, int timeout_ms)
      : path_(std::move(path)), most_(std::max(most, 1)), cache_kib_(cache_kib), timeout_ms_(timeout_ms) {
    give_back(open());  // a file that cannot be read is told at the start
    opened_ = 1;
  }

  std::unique_ptr<Connection> take() {
    {
      std::unique_lock lock(mutex_);
      auto const may_go_on = [&] { return !free_.empty() || opened_ < most_; };
      if (!returned_.wait_for(lock, std::chrono::milliseconds(timeout_ms_), may_go_on))
        throw StorageError(Kind::unavailable, "all readers of the database were busy for " + std::to_string(timeout_ms_) + " ms");
      if (!free_.empty()) {
        // The one used last: what it has read is in its cache, and in the processor's.
        auto connection = std::move(free_.back());
        free_.pop_back();
        return connection;
      }
      ++opened_;
    }
    try {
      return open();
    } catch (...) {
      std::lock_guard lock(mutex_);
      --opened_;
      throw;
    }
  }

  void give_back(std::unique_ptr<Connection> connection) {
    {
      std::lock_guard lock(mutex_);
      free_.push_back(std::move(connection));
    }
    returned_.notify_one();
  }

 private:
  std::unique_ptr<Connection> open() const {
    return std::make_unique<Connection>(path_, Connection::Mode::read, cache_kib_, kBusyTimeoutMs);
  }

  std::string const path_;
  int const most_, cache_kib_, timeout_ms_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> free_;
  int opened_ = 0;
};

class SqliteDatabase;

// The transaction that this thread's reads share.
struct Shared {
  SqliteDatabase const* database = nullptr;
  SqliteTx* tx = nullptr;
};
thread_local Shared t_shared;

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(std::string path, Settings const& settings) : path_(std::move(path)) {
    make_file(path_);
    auto connection = std::make_unique<Connection>(path_, Connection::Mode::write, settings.cache_kib, kBusyTimeoutMs);
    use_write_ahead_log(*connection);
    checkpointer_ = std::make_unique<Checkpointer>(path_);
    writer_ = std::make_unique<Writer>(std::move(connection), *checkpointer_);
    readers_ = std::make_unique<Readers>(path_, settings.readers, settings.cache_kib / 8, settings.acquire_timeout_ms);
  }

  Engine engine() const override { return Engine::sqlite; }

  void together(std::function<void()> const& fn) override {
    if (t_shared.database) throw std::logic_error("reads are together already");
    in_transaction([&](SqliteTx& tx) {
      struct Leave {
        ~Leave() { t_shared = {}; }
      } const leave;
      t_shared = {this, &tx};
      fn();
    });
  }

  void backup_to(std::string const& target) override;
  void checkpoint() override { checkpointer_->truncate(); }
  std::string version() const override { return std::string("SQLite ") + sqlite3_libversion(); }

 protected:
  void run_read(std::function<void(Tx&)> const& fn) override {
    if (t_shared.database == this) return fn(*t_shared.tx);
    in_transaction(fn);
  }

  void run_write(std::function<bool(Tx&)> const& fn, WriteOptions options) override {
    // It would wait for the writer, and what is read behind it would not know of it.
    if (t_shared.database == this) throw std::logic_error("a write among reads that are together");
    writer_->run(fn, options.alone);
  }

 private:
  template <class F>
  void in_transaction(F const& fn) {
    struct Lease {
      Readers& readers;
      std::unique_ptr<Connection> connection;
      ~Lease() {
        connection->rollback_quietly();
        readers.give_back(std::move(connection));
      }
    } const lease{*readers_, readers_->take()};
    lease.connection->control(Connection::Control::begin);
    SqliteTx tx(*lease.connection);
    fn(tx);
    lease.connection->control(Connection::Control::commit);
  }

  std::string path_;
  // Destroyed from the last to the first, so that the last connection to close can empty and remove the log.
  std::unique_ptr<Checkpointer> checkpointer_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Readers> readers_;
};

void copy_all_pages(sqlite3* source, std::string const& target) {
  sqlite3* copy = nullptr;
  auto const opened = sqlite3_open_v2(target.c_str(), &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<sqlite3, decltype([](sqlite3* db) { sqlite3_close_v2(db); })> const closer(copy);
  if (opened != SQLITE_OK) throw error_of(copy, "cannot open the backup file");
  auto* backup = sqlite3_backup_init(copy, "main", source, "main");
  if (!backup) throw error_of(copy, "cannot begin the backup");
  // In one step: one read transaction, so one moment of the database, and writers go on meanwhile.
  int const step = sqlite3_backup_step(backup, -1);
  int const finish = sqlite3_backup_finish(backup);
  if (step != SQLITE_DONE || finish != SQLITE_OK) throw error_of(copy, "cannot copy the database");
}

void SqliteDatabase::backup_to(std::string const& target) {
  std::string partial = target + ".partial-XXXXXX";
  {
    File const file(::mkostemp(partial.data(), O_CLOEXEC));  // mode 0600
    if (file.fd() < 0) refuse_file("cannot create the backup file " + partial, errno);
  }
  try {
    Connection source(path_, Connection::Mode::read, 2048, kBusyTimeoutMs);
    copy_all_pages(source.handle(), partial);
    sync(partial);
    if (::rename(partial.c_str(), target.c_str()) != 0) refuse_file("cannot name the backup file " + target, errno);
  } catch (...) {
    ::unlink(partial.c_str());
    throw;
  }
  sync(folder_of(target));
}

}  // namespace

std::unique_ptr<Database> open(Settings const& settings) {
  static constexpr std::string_view kScheme = "sqlite://";
  auto path = settings.url.substr(kScheme.size());
  if (path.empty() || path.back() == '/') {
    throw StorageError(Kind::broken, "the database URL names no file; it looks like sqlite:///path/to/fealty.db");
  }
  return std::make_unique<SqliteDatabase>(std::move(path), settings);
}

}  // namespace fealty::sql::sqlite
