/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_client_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

enum { PIECE = 1 << 18, HEAD = 4096, SHA256_BYTES = 32 };

static const char save_as[] = "save the sheet as \"CSV UTF-8\" and upload that file";

static int close_file(struct upload_client_file *file)
{
    if (file->descriptor >= 0)
        close(file->descriptor);
    return 0;
}

static bool holds(const char *bytes, size_t length, const char *word)
{
    return memmem(bytes, length, word, strlen(word)) != NULL;
}

/* A ZIP may hold one CSV file; only one that is a workbook is turned away here. */
static bool is_workbook(const char *head, size_t length)
{
    static const char old_excel[] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", zip[] = "PK\x03\x04";
    if (length >= sizeof old_excel - 1 && memcmp(head, old_excel, sizeof old_excel - 1) == 0)
        return true;
    if (length < sizeof zip - 1 || memcmp(head, zip, sizeof zip - 1) != 0)
        return false;
    return holds(head, length, "[Content_Types].xml") || holds(head, length, "xl/") ||
           holds(head, length, "opendocument.spreadsheet");
}

static bool check_head(const struct upload_client_file *file, struct error *error)
{
    char head[HEAD];
    size_t length = file->size < HEAD ? (size_t)file->size : HEAD;
    if (!upload_client_file_read(file, 0, head, length, error))
        return false;
    return !is_workbook(head, length) ||
           error_at(error, ERROR_INPUT, file->path, 0, "spreadsheet_file: this is a workbook and not CSV; %s", save_as);
}

static bool hash(struct upload_client_file *file, struct error *error)
{
    unsigned char digest[SHA256_BYTES];
    char *piece = memory_new_array(file, char, PIECE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool hashed = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    bool readable = true;
    for (int64_t at = 0; hashed && readable && at < file->size; at += PIECE) {
        size_t length = file->size - at < PIECE ? (size_t)(file->size - at) : PIECE;
        readable = upload_client_file_read(file, at, piece, length, error);
        hashed = !readable || EVP_DigestUpdate(context, piece, length) == 1;
    }
    hashed = hashed && readable && EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    talloc_free(piece);
    if (!readable)
        return false;
    if (!hashed)
        return error_set(error, ERROR_INTERNAL, "OpenSSL makes no SHA-256");
    text_to_hex(digest, sizeof digest, file->sha256);
    return true;
}

static bool check_size(struct upload_client_file *file, struct error *error)
{
    if (!S_ISREG(file->seen.st_mode))
        return error_at(error, ERROR_INPUT, file->path, 0, "this is no file; save what is to be sent as a file first");
    file->size = file->seen.st_size;
    if (file->size == 0)
        return error_at(error, ERROR_INPUT, file->path, 0, "empty_file: the file holds nothing");
    if (file->size > UPLOAD_CLIENT_MOST)
        return error_at(error, ERROR_INPUT, file->path, 0,
                        "too_large: the file has %" PRId64 " bytes and may have %" PRId64 "; send it in parts",
                        file->size, UPLOAD_CLIENT_MOST);
    return true;
}

struct upload_client_file *upload_client_file_open(const void *owner, const char *path, struct error *error)
{
    struct upload_client_file *file = memory_new(owner, struct upload_client_file);
    file->descriptor = -1;
    talloc_set_destructor(file, close_file);
    file->path = memory_copy_string(file, path);
    char *real = realpath(path, NULL);
    file->real_path = memory_copy_string(file, real != NULL ? real : path);
    free(real);
    const char *slash = strrchr(file->path, '/');
    file->name = slash != NULL ? slash + 1 : file->path;
    file->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);     /* a pipe would be waited for */
    bool opened = (file->descriptor >= 0 && fstat(file->descriptor, &file->seen) == 0) || error_io(error, errno, path);
    if (opened && check_size(file, error) && check_head(file, error) && hash(file, error))
        return file;
    talloc_free(file);
    return NULL;
}

bool upload_client_file_read(const struct upload_client_file *file, int64_t offset, void *bytes, size_t length,
                             struct error *error)
{
    char *at = bytes;
    while (length > 0) {
        ssize_t got = pread(file->descriptor, at, length, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_io(error, errno, file->path);
        if (got == 0)
            return error_at(error, ERROR_CONFLICT, file->path, 0,
                            "the file has become shorter while it was read; begin again when nobody writes to it");
        at += got;
        offset += got;
        length -= (size_t)got;
    }
    return true;
}

bool upload_client_file_check(const struct upload_client_file *file, struct error *error)
{
    struct stat now;
    if (fstat(file->descriptor, &now) != 0)
        return error_io(error, errno, file->path);
    if (now.st_size == file->seen.st_size && now.st_mtim.tv_sec == file->seen.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == file->seen.st_mtim.tv_nsec)
        return true;
    return error_at(error, ERROR_CONFLICT, file->path, 0,
                    "the file was changed while it was sent; begin again when nobody writes to it");
}
