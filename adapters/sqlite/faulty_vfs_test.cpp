#include "adapters/sqlite/faulty_vfs.hpp"

#include <sqlite3.h>

#include <utility>

namespace sinew::sqlite {

struct FaultyVfs::State {
  std::string name;
  sqlite3_vfs* inner;
  sqlite3_vfs vfs;
  Judge judge;
};

namespace {

struct FaultyFile {
  sqlite3_file base;
  const FaultyVfs::Judge* judge;
  const char* path;
  // The inner file lies behind.
  sqlite3_file* inner() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

FaultyFile* mine(sqlite3_file* file) { return reinterpret_cast<FaultyFile*>(file); }
sqlite3_file* theirs(sqlite3_file* file) { return mine(file)->inner(); }

int verdict(sqlite3_file* file, FaultyVfs::Operation operation, std::int64_t offset = 0) {
  const FaultyFile& self = *mine(file);
  if (!*self.judge || self.path == nullptr) return SQLITE_OK;
  return (*self.judge)({operation, self.path, offset});
}

int close(sqlite3_file* file) { return theirs(file)->pMethods->xClose(theirs(file)); }
int read(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
  const int code = verdict(file, FaultyVfs::Operation::read, offset);
  return code != 0 ? code : theirs(file)->pMethods->xRead(theirs(file), to, size, offset);
}
int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  const int code = verdict(file, FaultyVfs::Operation::write, offset);
  return code != 0 ? code : theirs(file)->pMethods->xWrite(theirs(file), from, size, offset);
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
  const int code = verdict(file, FaultyVfs::Operation::truncate);
  return code != 0 ? code : theirs(file)->pMethods->xTruncate(theirs(file), size);
}
int sync(sqlite3_file* file, int flags) {
  const int code = verdict(file, FaultyVfs::Operation::sync);
  return code != 0 ? code : theirs(file)->pMethods->xSync(theirs(file), flags);
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return theirs(file)->pMethods->xFileSize(theirs(file), size);
}
int lock(sqlite3_file* file, int level) {
  return theirs(file)->pMethods->xLock(theirs(file), level);
}
int unlock(sqlite3_file* file, int level) {
  return theirs(file)->pMethods->xUnlock(theirs(file), level);
}
int check_reserved(sqlite3_file* file, int* result) {
  return theirs(file)->pMethods->xCheckReservedLock(theirs(file), result);
}
int control(sqlite3_file* file, int operation, void* argument) {
  return theirs(file)->pMethods->xFileControl(theirs(file), operation, argument);
}
int sector_size(sqlite3_file* file) { return theirs(file)->pMethods->xSectorSize(theirs(file)); }
int characteristics(sqlite3_file* file) {
  return theirs(file)->pMethods->xDeviceCharacteristics(theirs(file));
}
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
  return theirs(file)->pMethods->xShmMap(theirs(file), page, size, extend, memory);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return theirs(file)->pMethods->xShmLock(theirs(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) { theirs(file)->pMethods->xShmBarrier(theirs(file)); }
int shm_unmap(sqlite3_file* file, int remove) {
  return theirs(file)->pMethods->xShmUnmap(theirs(file), remove);
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

struct Registration {
  sqlite3_vfs* inner;
  const FaultyVfs::Judge* judge;
};

int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
  const auto& registration = *static_cast<const Registration*>(vfs->pAppData);
  FaultyFile& self = *mine(file);
  self.base.pMethods = nullptr;
  self.judge = registration.judge;
  self.path = path;
  const int code = registration.inner->xOpen(registration.inner, path, self.inner(), flags, out);
  if (self.inner()->pMethods != nullptr) self.base.pMethods = &methods;
  return code;
}

}  // namespace

FaultyVfs::FaultyVfs(std::string name) : state_(std::make_unique<State>()) {
  state_->name = std::move(name);
  state_->inner = sqlite3_vfs_find(nullptr);
  state_->vfs = *state_->inner;
  state_->vfs.pNext = nullptr;
  state_->vfs.zName = state_->name.c_str();
  state_->vfs.szOsFile = static_cast<int>(sizeof(FaultyFile)) + state_->inner->szOsFile;
  state_->vfs.pAppData = new Registration{state_->inner, &state_->judge};
  state_->vfs.xOpen = open;
  sqlite3_vfs_register(&state_->vfs, 0);
}

FaultyVfs::~FaultyVfs() {
  sqlite3_vfs_unregister(&state_->vfs);
  delete static_cast<Registration*>(state_->vfs.pAppData);
}

const std::string& FaultyVfs::name() const noexcept { return state_->name; }

void FaultyVfs::judge(Judge judge) { state_->judge = std::move(judge); }

void FaultyVfs::fail(Operation operation, bool log, int code, int times) {
  judge([=, left = times](const Call& call) mutable {
    if (call.operation != operation || call.log() != log || left == 0) return SQLITE_OK;
    --left;
    return code;
  });
}

}  // namespace sinew::sqlite
