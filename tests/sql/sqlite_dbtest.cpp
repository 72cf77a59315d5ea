// What only SQLite does.
#include <sqlite3.h>
#include <sys/stat.h>

#include <filesystem>
#include <latch>

#include "sql/items.h"

namespace fealty::sql {
namespace {

using Kind = StorageError::Kind;
constexpr auto kPatience = std::chrono::seconds(20);

class Sqlite : public ItemsTest {
 protected:
  std::string path() { return database().folder().file("fealty.db"); }
};
INSTANTIATE_TEST_SUITE_P(, Sqlite, ::testing::Values(Engine::sqlite), test::engine_name);

// Another process's connection.
class Raw {
 public:
  explicit Raw(std::string const& path) { EXPECT_EQ(sqlite3_open(path.c_str(), &db_), SQLITE_OK); }
  ~Raw() { sqlite3_close(db_); }
  std::string one(char const* text) {
    std::string out;
    char* error = nullptr;
    auto const keep = [](void* to, int, char** values, char**) {
      *static_cast<std::string*>(to) = values[0] ? values[0] : "";
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(db_, text, keep, &out, &error), SQLITE_OK) << (error ? error : "");
    sqlite3_free(error);
    return out;
  }

 private:
  sqlite3* db_ = nullptr;
};

mode_t mode_of(std::string const& path) {
  struct stat s{};
  EXPECT_EQ(::stat(path.c_str(), &s), 0) << path;
  return s.st_mode & 0777;
}

TEST_P(Sqlite, FilesBelongToTheirOwnerAlone) {
  test::TestDatabase fresh(Engine::sqlite, test::TestDatabase::Schema::empty);
  make_items(fresh.db());
  for (auto const* name : {"fealty.db", "fealty.db-wal", "fealty.db-shm"}) EXPECT_EQ(mode_of(fresh.folder().file(name)), 0600u) << name;
}

TEST_P(Sqlite, IsDurableAndWritesAheadOfItself) {
  db().write([](Tx& tx) {
    auto const setting = [&](char const* text) {
      std::string out;
      tx.run_text(text, {}, [&](Row const& r) {
        try {
          out = r.string(0);
        } catch (StorageError const&) {
          out = std::to_string(r.integer(0));
        }
      });
      return out;
    };
    EXPECT_EQ(setting("SELECT journal_mode FROM pragma_journal_mode"), "wal");
    EXPECT_EQ(setting("SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous"), "2");
    EXPECT_EQ(setting("SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys"), "1");
  });
}

TEST_P(Sqlite, ReadsThatAreTogetherSeeOneMoment) {
  db().write([](Tx& tx) { tx.exec(kInsertItem, 1, 10, nullptr, nullptr); });
  db().together([&] {
    EXPECT_EQ(sums(db()).total, 10);
    std::thread([&] { db().write([](Tx& tx) { tx.exec(kAddToItem, 1, 5); }); }).join();
    EXPECT_EQ(sums(db()).total, 10);
    std::thread([&] { EXPECT_EQ(sums(db()).total, 15) << "of this thread alone"; }).join();
  });
  EXPECT_EQ(sums(db()).total, 15);
}

TEST_P(Sqlite, ReadsThatAreTogetherEndWithWhatIsThrown) {
  struct Stop {};
  EXPECT_THROW(db().together([&] {
    EXPECT_EQ(sums(db()).rows, 0);
    throw Stop{};
  }),
               Stop);
  EXPECT_THROW(db().together([&] { db().together([] {}); }), std::logic_error);
  EXPECT_THROW(db().together([&] { db().write([](Tx&) {}); }), std::logic_error);
  db().write([](Tx& tx) { tx.exec(kInsertItem, 1, 1, nullptr, nullptr); });
  EXPECT_EQ(sums(db()).rows, 1);
}

TEST_P(Sqlite, AsManyReadAsWantToAtOnce) {
  constexpr int kReaders = 24;
  std::latch all(kReaders);
  std::vector<std::thread> threads;
  std::atomic<int> read = 0;
  for (int i = 0; i < kReaders; ++i)
    threads.emplace_back([&] {
      db().read([&](Tx& tx) {
        all.arrive_and_wait();  // nobody ends before everybody has begun
        read += sums(tx).rows == 0 ? 1 : 0;
      });
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(read, kReaders);
}

TEST_P(Sqlite, WaitsForTheWriteOfAnotherProcess) {
  Raw other(path());
  other.one("BEGIN IMMEDIATE");
  other.one("INSERT INTO items (id, n) VALUES (1, 1)");
  std::atomic<bool> begun = false, answered = false;
  std::thread writer([&] {
    begun = true;
    begun.notify_all();
    db().write([](Tx& tx) { tx.exec(kAddToItem, 1, 1); });
    answered = true;
  });
  begun.wait(false);
  EXPECT_FALSE(answered);
  other.one("COMMIT");
  writer.join();
  EXPECT_EQ(sums(db()).total, 2);
}

TEST_P(Sqlite, TellsAFullDiskAndGoesOnAfterIt) {
  db().write([](Tx& tx) { tx.exec(kInsertItem, 1, 0, nullptr, nullptr); });
  auto const limit = [&](int pages) {
    db().write([&](Tx& tx) { tx.run_text("PRAGMA max_page_count = " + std::to_string(pages), {}, {}); });
  };
  auto const pages = db().read([](Tx& tx) {
    std::int64_t n = 0;
    tx.run_text("SELECT page_count FROM pragma_page_count", {}, [&](Row const& r) { n = r.integer(0); });
    return static_cast<int>(n);
  });
  limit(pages + 2);
  std::string const large(1 << 20, 'x');
  EXPECT_EQ(kind_of_failure([&] { db().write([&](Tx& tx) { tx.exec(kInsertItem, 2, 0, large, nullptr); }); }), Kind::full);
  // Together with others: each either counts or says that it does not.
  std::atomic<int> counted = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 10; ++k) {
        try {
          db().write([&](Tx& tx) {
            tx.exec(kAddToItem, 1, 1);
            if (i == 0) tx.exec(kInsertItem, 100 + k, 0, large, nullptr);
          });
          ++counted;
        } catch (StorageError const& e) {
          EXPECT_TRUE(e.kind() == Kind::full || e.kind() == Kind::unavailable) << e.what();
        }
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(sums(db()).total, counted);
  EXPECT_EQ(sums(db()).rows, 1);
  limit(1'000'000);
  db().write([&](Tx& tx) { tx.exec(kInsertItem, 2, 0, large, nullptr); });
  EXPECT_EQ(sums(db()).rows, 2);
}

TEST_P(Sqlite, MovesTheLogIntoTheFileByItself) {
  auto const before = std::filesystem::file_size(path());
  std::string const large(64 * 1024, 'x');
  for (int i = 0; i < 100; ++i) db().write([&](Tx& tx) { tx.exec(kInsertItem, i, 0, large, nullptr); });
  auto const deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::filesystem::file_size(path()) < before + (2 << 20) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_GE(std::filesystem::file_size(path()), before + (2 << 20));
  db().checkpoint();
  EXPECT_EQ(std::filesystem::file_size(path() + "-wal"), 0u);
  EXPECT_EQ(sums(db()).rows, 100);
}

TEST_P(Sqlite, LeavesNoLogBehindWhenItCloses) {
  db().write([](Tx& tx) { tx.exec(kInsertItem, 1, 0, nullptr, nullptr); });
  EXPECT_TRUE(std::filesystem::exists(path() + "-wal"));
  database().reopen();
  EXPECT_EQ(sums(db()).rows, 1);
}

TEST_P(Sqlite, BacksUpOneMomentWhileOthersWrite) {
  // Every write keeps the two items equal, so every moment of the database has them equal.
  db().write([](Tx& tx) {
    for (int id = 1; id <= 2; ++id) tx.exec(kInsertItem, id, 0, nullptr, nullptr);
    std::string const filling(4000, 'x');
    for (int id = 10; id < 2000; ++id) tx.exec(kInsertItem, id, 0, filling, nullptr);
  });
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    while (!stop) {
      db().write([](Tx& tx) {
        for (int id = 1; id <= 2; ++id) tx.exec(kAddToItem, id, 1);
      });
    }
  });
  test::TemporaryFolder folder;
  auto const target = folder.file("backup.db");
  for (int i = 0; i < 5; ++i) {
    auto const at_least = sums(db()).total;
    db().backup_to(target);
    EXPECT_EQ(mode_of(target), 0600u);
    Raw copy(target);
    EXPECT_EQ(copy.one("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(copy.one("SELECT (SELECT n FROM items WHERE id = 1) = (SELECT n FROM items WHERE id = 2)"), "1");
    EXPECT_GE(std::stoll(copy.one("SELECT sum(n) FROM items")), at_least);
  }
  stop = true;
  writer.join();
  auto const restored = open({.url = "sqlite://" + target});
  restored->write([](Tx& tx) { tx.exec(kAddToItem, 1, 1); });
  for (auto const& entry : std::filesystem::directory_iterator(folder.path())) {
    EXPECT_EQ(entry.path().string().find("partial"), std::string::npos) << entry.path();
  }
}

TEST_P(Sqlite, LeavesNoHalfABackup) {
  test::TemporaryFolder folder;
  EXPECT_EQ(kind_of_failure([&] { db().backup_to(folder.file("no/such/folder.db")); }), Kind::unavailable);
  EXPECT_THROW(db().backup_to(folder.path()), StorageError);  // a folder stands in its place
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_P(Sqlite, LooksUpTheRowsOfABatchByTheKeysOfTheTable) {
  auto const plan = db().read([](Tx& tx) {
    std::string out;
    tx.run_text("EXPLAIN QUERY PLAN SELECT i.n FROM items i JOIN (SELECT c0 AS id FROM fealty_rows($1)) AS r ON r.id = i.id",
                {{param(nullptr)}}, [&](Row const& r) { out += r.string(3) + "\n"; });
    return out;
  });
  EXPECT_NE(plan.find("SCAN fealty_rows"), std::string::npos) << plan;
  EXPECT_NE(plan.find("SEARCH i USING INTEGER PRIMARY KEY"), std::string::npos) << plan;
}

TEST_P(Sqlite, RefusesRowsWithoutABatch) {
  EXPECT_THROW(db().read([](Tx& tx) { tx.run_text("SELECT c0 FROM fealty_rows($1)", {{param(1)}}, {}); }), StorageError);
  EXPECT_THROW(db().read([](Tx& tx) { tx.run_text("SELECT c0 FROM fealty_rows", {}, {}); }), StorageError);
}

TEST_P(Sqlite, RefusesAFileThatIsNoDatabase) {
  test::TemporaryFolder folder;
  auto const file = folder.file("text.db");
  {
    std::unique_ptr<std::FILE, decltype([](std::FILE* f) { std::fclose(f); })> const out(std::fopen(file.c_str(), "w"));
    std::fputs(std::string(8192, 'x').c_str(), out.get());
  }
  EXPECT_EQ(kind_of_failure([&] { open({.url = "sqlite://" + file}); }), Kind::broken);
}

}  // namespace
}  // namespace fealty::sql
