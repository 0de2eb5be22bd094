/* A bad disk for tests, loaded before the C library (LD_PRELOAD) into a process that works on a journal.
 *
 * It only minds files below REKNIT_DISK_DIR whose name holds "journal.db" or is "acks".
 *
 * REKNIT_DISK_LOG      every write, truncation, sync, rename and removal is written there, in the order it happened:
 *                      a byte for the kind, then as decimal words the offset and the two lengths, a line end, the
 *                      path and the data.
 * REKNIT_DISK_CONTROL  a file read at every call: "sync N" or "write N" lets the N-th one since the file was written
 *                      fail once with EIO (and makes CONTROL.fired); "limit BYTES" is a disk of that size, full with ENOSPC.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int log_file = -1;

#define REAL(result, name, ...) \
  static result (*real)(__VA_ARGS__); \
  if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static ssize_t true_write(int fd, const void *data, size_t length) {
  REAL(ssize_t, "write", int, const void *, size_t);
  return real(fd, data, length);
}

static int minded(const char *path) {
  const char *folder = getenv("REKNIT_DISK_DIR");
  if (!folder || strncmp(path, folder, strlen(folder)) != 0) return 0;
  const char *name = strrchr(path, '/');
  name = name ? name + 1 : path;
  if (strstr(name, "-shm") || strstr(name, "-reserve")) return strstr(name, "-reserve") ? 2 : 0;
  if (strcmp(name, "acks") == 0) return 3;
  return strstr(name, "journal.db") ? 1 : 0;
}

static int path_of(int fd, char *path, size_t room) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, room - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  const char *folder = getenv("REKNIT_DISK_DIR");
  if (folder && strcmp(path, folder) == 0) return 9;
  return minded(path);
}

static void record(char kind, long long offset, const char *path, const void *data, size_t length) {
  const char *log = getenv("REKNIT_DISK_LOG");
  if (!log) return;
  if (log_file < 0) log_file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  char head[96];
  int size = snprintf(head, sizeof head, "%c %lld %zu %zu\n", kind, offset, strlen(path), length);
  if (true_write(log_file, head, size) < 0 || true_write(log_file, path, strlen(path)) < 0) abort();
  size_t written = 0;
  while (written < length) {
    ssize_t now = true_write(log_file, (const char *)data + written, length - written);
    if (now <= 0) abort();
    written += now;
  }
}

static long long taken(void) {
  const char *folder = getenv("REKNIT_DISK_DIR");
  long long sum = 0;
  DIR *entries = opendir(folder);
  if (!entries) return 0;
  for (struct dirent *entry; (entry = readdir(entries));) {
    struct stat found;
    if (strstr(entry->d_name, "journal.db") && fstatat(dirfd(entries), entry->d_name, &found, 0) == 0) sum += found.st_size;
  }
  closedir(entries);
  return sum;
}

/* The errno with which this call is to fail, or 0. */
static int fault(const char *kind, int fd, int whose, long long end) {
  static struct timespec armed;
  static ino_t armed_file;
  static long long count[2];
  const char *control = getenv("REKNIT_DISK_CONTROL");
  struct stat found;
  if (!control || stat(control, &found) != 0) return 0;
  int file = open(control, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[64] = {0};
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return 0;
  char what[16];
  long long number;
  if (sscanf(text, "%15s %lld", what, &number) != 2) return 0;
  if (strcmp(what, "limit") == 0) {
    struct stat target;
    if (strcmp(kind, "write") != 0 || fstat(fd, &target) != 0 || end <= target.st_size) return 0;
    return taken() + (end - target.st_size) > number ? ENOSPC : 0;
  }
  if (whose != 1) return 0;
  if (found.st_mtim.tv_sec != armed.tv_sec || found.st_mtim.tv_nsec != armed.tv_nsec || found.st_ino != armed_file) {
    armed = found.st_mtim;
    armed_file = found.st_ino;
    count[0] = count[1] = 0;
  }
  int place = strcmp(kind, "sync") == 0;
  if (++count[place] != number || strcmp(what, kind) != 0) return 0;
  char fired[4200];
  snprintf(fired, sizeof fired, "%s.fired", control);
  int mark = open(fired, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (mark >= 0) close(mark);
  return EIO;
}

static ssize_t put(int fd, const void *data, size_t length, long long offset) {
  char path[4096];
  int whose = path_of(fd, path, sizeof path);
  int positioned = offset >= 0;
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off_t);
  if (!whose || whose == 9) return positioned ? real(fd, data, length, offset) : true_write(fd, data, length);
  pthread_mutex_lock(&turn);
  long long at = positioned ? offset : (fcntl(fd, F_GETFL) & O_APPEND) ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
  int failing = fault("write", fd, whose, at + (long long)length);
  ssize_t done = -1;
  if (!failing) {
    done = positioned ? real(fd, data, length, offset) : true_write(fd, data, length);
    failing = errno;
    if (done > 0 && whose != 2) record('w', at, path, data, done);
  }
  pthread_mutex_unlock(&turn);
  if (done < 0) errno = failing;
  return done;
}

ssize_t write(int fd, const void *data, size_t length) { return put(fd, data, length, -1); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return put(fd, data, length, offset); }
ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) { return put(fd, data, length, offset); }

static int synced(int fd, int (*real)(int)) {
  char path[4096];
  int whose = path_of(fd, path, sizeof path);
  if (!whose || whose == 2) return real(fd);
  pthread_mutex_lock(&turn);
  int failing = whose == 9 ? 0 : fault("sync", fd, whose, 0);
  /* The tests play the power cut themselves; a real sync would only wait. */
  if (!failing) record(whose == 9 ? 'd' : 's', 0, path, "", 0);
  pthread_mutex_unlock(&turn);
  if (failing) errno = failing;
  return failing ? -1 : 0;
}

int fsync(int fd) {
  REAL(int, "fsync", int);
  return synced(fd, real);
}

int fdatasync(int fd) {
  REAL(int, "fdatasync", int);
  return synced(fd, real);
}

static int cut(int fd, long long length, int (*real)(int, off_t)) {
  char path[4096];
  int whose = path_of(fd, path, sizeof path);
  if (whose != 1) return real(fd, length);
  pthread_mutex_lock(&turn);
  int done = real(fd, length);
  if (done == 0) record('t', length, path, "", 0);
  pthread_mutex_unlock(&turn);
  return done;
}

int ftruncate(int fd, off_t length) {
  REAL(int, "ftruncate", int, off_t);
  return cut(fd, length, real);
}

int ftruncate64(int fd, off_t length) {
  REAL(int, "ftruncate64", int, off_t);
  return cut(fd, length, real);
}

int unlink(const char *path) {
  REAL(int, "unlink", const char *);
  if (minded(path) != 1) return real(path);
  pthread_mutex_lock(&turn);
  int done = real(path);
  if (done == 0) record('u', 0, path, "", 0);
  pthread_mutex_unlock(&turn);
  return done;
}

int rename(const char *from, const char *to) {
  REAL(int, "rename", const char *, const char *);
  if (minded(from) != 1) return real(from, to);
  pthread_mutex_lock(&turn);
  int done = real(from, to);
  if (done == 0) record('r', 0, from, to, strlen(to));
  pthread_mutex_unlock(&turn);
  return done;
}
