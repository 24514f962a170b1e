#include "adapters/sqlite/sim/vfs.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <chrono>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <utility>

#include "adapters/sqlite/sim/locks.hpp"

namespace sinew::sqlite::sim {

using async::sim::Disk;
using async::sim::DiskFault;
using async::sim::DiskHandle;
using async::sim::World;

struct Vfs::State {
  World& world;
  Disk& disk;
  std::string name;
  std::uint64_t temporary_files = 0;
  sqlite3_vfs vfs{};
};

namespace {

// An open file as SQLite has it: its memory is SQLite's, so File is made and destroyed in place.
struct File {
  sqlite3_file base;
  std::unique_ptr<DiskHandle> handle;
  std::shared_ptr<Locks> locks;
  Locks::Holder held;
  Disk* disk;
  bool name_unsynced;  // a journal or log, until its first sync
  bool temporary;
};

File& mine(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }

int code_of(DiskFault fault, int io) {
  switch (fault) {
    case DiskFault::none: return SQLITE_OK;
    case DiskFault::not_found: return SQLITE_IOERR_DELETE_NOENT;
    case DiskFault::full: return SQLITE_FULL;
    case DiskFault::io: break;
  }
  return io;
}

int close(sqlite3_file* base) {
  File& file = mine(base);
  file.locks->forget(file.held);
  if (file.temporary) file.disk->remove(file.handle->path());
  file.~File();
  return SQLITE_OK;
}

int read(sqlite3_file* base, void* to, int size, sqlite3_int64 offset) {
  const std::span<char> into(static_cast<char*>(to), static_cast<std::size_t>(size));
  std::size_t count = 0;
  const DiskFault fault = mine(base).handle->read(static_cast<std::uint64_t>(offset), into, count);
  if (fault != DiskFault::none) return SQLITE_IOERR_READ;
  if (count == into.size()) return SQLITE_OK;
  std::memset(into.data() + count, 0, into.size() - count);
  return SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* base, const void* from, int size, sqlite3_int64 offset) {
  const std::string_view bytes(static_cast<const char*>(from), static_cast<std::size_t>(size));
  return code_of(mine(base).handle->write(static_cast<std::uint64_t>(offset), bytes),
                 SQLITE_IOERR_WRITE);
}

int truncate(sqlite3_file* base, sqlite3_int64 size) {
  return code_of(mine(base).handle->truncate(static_cast<std::uint64_t>(size)),
                 SQLITE_IOERR_TRUNCATE);
}

int sync(sqlite3_file* base, int) {
  File& file = mine(base);
  if (file.handle->sync() != DiskFault::none) return SQLITE_IOERR_FSYNC;
  if (!std::exchange(file.name_unsynced, false)) return SQLITE_OK;
  const DiskFault fault = file.disk->sync_folder(Disk::folder_of(file.handle->path()));
  return code_of(fault, SQLITE_IOERR_DIR_FSYNC);
}

int file_size(sqlite3_file* base, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(mine(base).handle->size());
  return SQLITE_OK;
}

int lock(sqlite3_file* base, int level) { return mine(base).locks->lock(mine(base).held, level); }
int unlock(sqlite3_file* base, int level) {
  return mine(base).locks->unlock(mine(base).held, level);
}
int check_reserved(sqlite3_file* base, int* result) {
  *result = mine(base).locks->reserved();
  return SQLITE_OK;
}

int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return 4096; }
// As SQLite assumes of every disk by default: bytes beside those written stay as they are.
int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int shm_map(sqlite3_file* base, int region, int size, int extend, void volatile** memory) {
  *memory = mine(base).locks->map(region, size, extend != 0);
  return SQLITE_OK;
}
int shm_lock(sqlite3_file* base, int first, int count, int flags) {
  return mine(base).locks->lock_index(mine(base).held, first, count, flags);
}
void shm_barrier(sqlite3_file*) {}
int shm_unmap(sqlite3_file* base, int) {
  Locks::Holder& held = mine(base).held;
  return mine(base).locks->lock_index(held, 0, SQLITE_SHM_NLOCK, SQLITE_SHM_UNLOCK);
}

const sqlite3_io_methods methods = {
    2,
    close,
    read,
    write,
    truncate,
    sync,
    file_size,
    lock,
    unlock,
    check_reserved,
    control,
    sector_size,
    characteristics,
    shm_map,
    shm_lock,
    shm_barrier,
    shm_unmap,
    nullptr,
    nullptr,
};

std::shared_ptr<Locks> locks_of(DiskHandle& handle) {
  auto locks = std::static_pointer_cast<Locks>(handle.image()->attached.lock());
  if (!locks) {
    locks = std::make_shared<Locks>();
    handle.image()->attached = locks;
  }
  return locks;
}

}  // namespace

Vfs::Vfs(World& world, Disk& disk) : state_(new State{world, disk, {}}) {
  static std::uint64_t made = 0;
  State& state = *state_;
  state.name = fmt::format("sinew-sim-{}", ++made);
  sqlite3_vfs& vfs = state.vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(File);
  vfs.mxPathname = 512;
  vfs.zName = state.name.c_str();
  vfs.pAppData = &state;
  vfs.xOpen = [](sqlite3_vfs* self, const char* path, sqlite3_file* base, int flags, int* out) {
    auto& here = *static_cast<State*>(self->pAppData);
    base->pMethods = nullptr;
    const std::string name =
        path != nullptr ? path : fmt::format("temporary-{}", ++here.temporary_files);
    auto handle = here.disk.open(name, (flags & SQLITE_OPEN_CREATE) != 0);
    if (!handle) return SQLITE_CANTOPEN;
    const bool journal = (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) != 0;
    auto locks = locks_of(*handle);
    new (base) File{{&methods},
                    std::move(handle),
                    std::move(locks),
                    {},
                    &here.disk,
                    journal,
                    (flags & SQLITE_OPEN_DELETEONCLOSE) != 0};
    if (out != nullptr) *out = flags;
    return SQLITE_OK;
  };
  vfs.xDelete = [](sqlite3_vfs* self, const char* path, int durably) {
    Disk& on = static_cast<State*>(self->pAppData)->disk;
    const int code = code_of(on.remove(path), SQLITE_IOERR_DELETE);
    if (code != SQLITE_OK || durably == 0) return code;
    return code_of(on.sync_folder(Disk::folder_of(path)), SQLITE_IOERR_DIR_FSYNC);
  };
  vfs.xAccess = [](sqlite3_vfs* self, const char* path, int, int* result) {
    *result = static_cast<State*>(self->pAppData)->disk.exists(path);
    return SQLITE_OK;
  };
  vfs.xFullPathname = [](sqlite3_vfs*, const char* path, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", path);
    return SQLITE_OK;
  };
  vfs.xRandomness = [](sqlite3_vfs* self, int size, char* out) {
    for (char& byte : std::span(out, static_cast<std::size_t>(size)))
      byte = static_cast<char>(static_cast<State*>(self->pAppData)->world.random().next());
    return size;
  };
  vfs.xSleep = [](sqlite3_vfs* self, int microseconds) {
    static_cast<State*>(self->pAppData)->world.advance(std::chrono::microseconds(microseconds));
    return microseconds;
  };
  vfs.xCurrentTimeInt64 = [](sqlite3_vfs* self, sqlite3_int64* milliseconds) {
    constexpr sqlite3_int64 unix_epoch = 210866760000000;  // in milliseconds of the Julian day
    const auto now = static_cast<State*>(self->pAppData)->world.wall_now().time_since_epoch();
    *milliseconds = unix_epoch + std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    return SQLITE_OK;
  };
  vfs.xGetLastError = [](sqlite3_vfs*, int, char*) { return 0; };
  sqlite3_vfs_register(&vfs, 0);
}

Vfs::~Vfs() { sqlite3_vfs_unregister(&state_->vfs); }

const std::string& Vfs::name() const noexcept { return state_->name; }

}  // namespace sinew::sqlite::sim
