/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "forms/base/text.h"

enum { FIRST_DESCRIPTOR = 3 };   /* SD_LISTEN_FDS_START */

/* -1 unless the variable is a whole number. */
static int64_t read_number(const char *variable)
{
    const char *value = getenv(variable);
    int64_t number = -1;
    return value != NULL && text_to_int64(value, &number) ? number : -1;
}

static bool listens_for_tcp(int socket)
{
    int family = 0, type = 0, listens = 0;
    socklen_t length = sizeof(int);
    return getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &length) == 0 &&
           (family == AF_INET || family == AF_INET6) &&
           getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM &&
           getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens != 0;
}

static bool take_socket(struct activation *activation, int socket, const char *name, size_t length,
                        struct error *error)
{
    struct inherited_sockets *door = NULL;
    if (length == strlen("people") && strncmp(name, "people", length) == 0)
        door = &activation->people;
    else if (length == strlen("machines") && strncmp(name, "machines", length) == 0)
        door = &activation->machines;
    if (door == NULL)
        return error_set(error, ERROR_INPUT,
                         "the service manager hands over a socket named '%.*s'; write FileDescriptorName=people or "
                         "FileDescriptorName=machines into its unit",
                         (int)length, name);
    if (door->count == INHERITED_MOST)
        return error_set(error, ERROR_INPUT, "the service manager hands over more than %d sockets named '%.*s'",
                         INHERITED_MOST, (int)length, name);
    if (!listens_for_tcp(socket))
        return error_set(error, ERROR_INPUT, "the socket '%.*s' of the service manager does not listen for TCP; "
                         "write ListenStream= with a port, and Accept=no", (int)length, name);
    fcntl(socket, F_SETFD, FD_CLOEXEC);
    fcntl(socket, F_SETFL, O_NONBLOCK);
    door->sockets[door->count++] = socket;
    return true;
}

static bool take_sockets(struct activation *activation, int64_t count, const char *names, struct error *error)
{
    for (int i = 0; i < count; i++) {
        size_t length = strcspn(names, ":");
        if (!take_socket(activation, FIRST_DESCRIPTOR + i, names, length, error))
            return false;
        names += names[length] == ':' ? length + 1 : length;
    }
    return true;
}

/* "@name" is one without a file. */
static int connect_notify(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length < 2 || length >= sizeof address.sun_path || (*path != '/' && *path != '@'))
        return -1;
    memcpy(address.sun_path, path, length);
    if (*path == '@')
        address.sun_path[0] = '\0';
    int notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (notify >= 0 && connect(notify, (struct sockaddr *)&address, size) == 0)
        return notify;
    if (notify >= 0)
        close(notify);
    return -1;
}

bool activation_read(struct activation *activation, struct error *error)
{
    *activation = (struct activation){.notify = -1};
    int64_t count = read_number("LISTEN_FDS");
    const char *names = getenv("LISTEN_FDNAMES"), *notify = getenv("NOTIFY_SOCKET");
    bool good = count <= 0 || read_number("LISTEN_PID") != getpid() ||
                take_sockets(activation, count, names != NULL ? names : "", error);
    if (notify != NULL)
        activation->notify = connect_notify(notify);
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDNAMES");
    unsetenv("NOTIFY_SOCKET");
    return good;
}

void activation_notify(const struct activation *activation, const char *state)
{
    if (activation->notify < 0)
        return;
    ssize_t sent = send(activation->notify, state, strlen(state), MSG_NOSIGNAL);
    (void)sent;   /* then it waits in vain, and says so */
}
