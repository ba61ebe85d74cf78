// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * Which process opens each TCP connection to a mail port.
 *
 * In:  the kernel's trace points for state changes of TCP sockets, and for fork, exec and exit.
 * Out: four kinds of events on one ring, in order: a connection is being opened (the process is right
 *      then, the port is not there yet), which files an interpreter has open meanwhile (none of others),
 *      the connection is open or has failed (the port is there, the process is whoever handles the
 *      packet), it is closed (with its bytes).
 *
 * A process may be dead before anybody reads its event, so nothing is looked up afterwards: its exe,
 * arguments and working folder are read while it connects; its ancestors' are kept from fork and exec
 * on (PROCESSES), also when they are gone. No vmlinux.h: only the fields used, relocated when loaded.
 * Paths are written leaf first, each name ended by a NUL byte; user space turns them round.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

#define PATH 1024      /* bytes of a path */
#define NAME 256       /* bytes of one name in it */
#define DEPTH 48       /* names of a path, and mounts crossed */
#define ARGS 768       /* bytes of arguments */
#define KIN_EXE 384    /* of an ancestor */
#define KIN_ARGS 192
#define KIN 5          /* ancestors kept */
#define FILES 4        /* open files named */
#define FDS 256        /* descriptors looked at */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
typedef struct { int counter; } atomic_t;
struct in6_addr { union { __u8 u6_addr8[16]; } in6_u; };
struct ns_common { unsigned int inum; };
struct net { struct ns_common ns; };
typedef struct { struct net *net; } possible_net_t;
struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};
struct sock { struct sock_common __sk_common; __u16 sk_protocol; int sk_err; int sk_err_soft; };
struct inet_sock { __be16 inet_sport; };
struct tcp_sock { __u64 bytes_received; __u64 bytes_sent; __u64 bytes_retrans; };
struct qstr { const unsigned char *name; };
struct hlist_bl_node { struct hlist_bl_node **pprev; };
struct inode { unsigned short i_mode; };
struct dentry { struct hlist_bl_node d_hash; struct dentry *d_parent; struct qstr d_name; };
struct vfsmount { struct dentry *mnt_root; };
struct mount { struct mount *mnt_parent; struct dentry *mnt_mountpoint; struct vfsmount mnt; };
struct path { struct vfsmount *mnt; struct dentry *dentry; };
struct file { unsigned int f_mode; struct inode *f_inode; struct path f_path; };
struct fdtable { unsigned int max_fds; struct file **fd; };
struct files_struct { struct fdtable *fdt; };
struct fs_struct { struct path pwd; };
struct mm_struct { unsigned long arg_start; unsigned long arg_end; struct file *exe_file; };
typedef struct { __u32 val; } kuid_t;
struct cred { kuid_t uid; kuid_t euid; };
struct task_struct {
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	__u64 start_boottime;
	const struct cred *cred;
	char comm[16];
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
};
struct linux_binprm;
#pragma clang attribute pop

char LICENSE[] SEC("license") = "Dual MIT/GPL";

enum { OPENING = 1, OPENED = 2, CLOSED = 3, READING = 4 };
enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT = 2, TCP_CLOSE = 7 };

/* An ancestor, as it was when it forked. */
struct kin {
	__u32 pid;
	__u32 uid;
	char comm[16];
	__u16 exe_len;
	__u16 args_len;
	__u32 pad;
	char exe[KIN_EXE];
	char args[KIN_ARGS];
};

/* A process, for its children. */
struct process {
	struct kin self;
	struct kin kin[KIN];
};

struct opening {
	__u32 kind;
	__u32 pid;
	__u64 at;          /* CLOCK_BOOTTIME, nanoseconds */
	__u64 socket;      /* names the connection in the later events */
	__u64 cgroup;
	__u64 started;     /* when the process began, CLOCK_BOOTTIME */
	__u32 tid;
	__u32 uid;
	__u32 euid;
	__u32 netns;
	__u16 family;
	__u16 port;
	__u16 exe_len;
	__u16 args_len;
	__u16 folder_len;
	__u16 deleted;     /* the exe's file is gone */
	__u16 began_len;
	__u16 pad;
	__u8 address[16];
	char comm[16];
	char thread[16];
	char exe[PATH];
	char folder[PATH];
	char args[ARGS];
	char began[KIN_ARGS]; /* the arguments at exec: a process may write over its own */
	struct kin kin[KIN];
};

struct opened {
	__u32 kind;
	__u32 error;       /* errno; 0 is open */
	__u64 at;
	__u64 socket;
	__u16 family;
	__u16 local_port;
	__u32 pad;
	__u8 local[16];
};

/* Files that are open for reading alone: what an interpreter runs, as far as it keeps it open. */
struct reading {
	__u32 kind;
	__u32 pad;
	__u64 socket;
	__u16 fds[FILES];
	__u16 lengths[FILES];
	char paths[FILES][PATH];
};

struct closed {
	__u32 kind;
	__u32 pad;
	__u64 at;
	__u64 socket;
	__u64 received;    /* its end counts as one */
	__u64 sent;        /* without what was sent twice */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} EVENTS SEC(".maps");

/* Ports that are mail ports, a bit each. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} PORTS SEC(".maps");

/* Sockets under way, by address. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u64);
} SOCKETS SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct process);
} PROCESSES SEC(".maps");

/* What is too large for the stack. */
struct room {
	struct process process;
	char path[PATH];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct room);
} ROOM SEC(".maps");

/* 0: events lost because the ring was full. 1: processes not kept because the map was. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} LOST SEC(".maps");

static __always_inline void lost(__u32 what)
{
	__u64 *count = bpf_map_lookup_elem(&LOST, &what);
	if (count)
		*count += 1;
}

static __always_inline int is_mail_port(__u16 port)
{
	__u32 word = port >> 6;
	__u64 *bits = bpf_map_lookup_elem(&PORTS, &word);
	return bits && (*bits >> (port & 63)) & 1;
}

/* A path being walked, leaf first. */
struct walking {
	struct dentry *dentry;
	struct mount *mount;
	char *to;
	__u32 at;
};

static long step(__u32 n, struct walking *w)
{
	struct dentry *dentry = w->dentry;
	struct mount *mount = w->mount;
	struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
	if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
		struct mount *up = BPF_CORE_READ(mount, mnt_parent);
		if (up == mount)
			return 1;
		w->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		w->mount = up;
		return 0;
	}
	__u32 at = w->at;
	if (at > PATH - NAME)
		return 1;
	long read = bpf_probe_read_kernel_str(w->to + at, NAME, BPF_CORE_READ(dentry, d_name.name));
	if (read < 1)
		return 1;
	w->at = at + read;
	w->dentry = parent;
	/* What was never in a folder (a memfd) is its own parent. */
	return parent == dentry;
}

/* A path, leaf first, into PATH bytes; bytes written. */
static __always_inline __u32 walk(struct path *path, char *to)
{
	struct vfsmount *inner = BPF_CORE_READ(path, mnt);
	struct walking w = {
		.dentry = BPF_CORE_READ(path, dentry),
		.mount = (void *)inner - bpf_core_field_offset(struct mount, mnt),
		.to = to,
	};
	bpf_loop(DEPTH, step, &w, 0);
	return w.at;
}

static __always_inline int is_deleted(struct path *path)
{
	struct dentry *dentry = BPF_CORE_READ(path, dentry);
	return dentry && BPF_CORE_READ(dentry, d_hash.pprev) == 0;
}

/* Interpreters, and servers with one inside, by the first letters of the exe's name. */
static __always_inline int is_interpreter(const char *exe)
{
	char a = exe[0], b = exe[1], c = exe[2];
#define NAMED(x, y, z) (a == x && b == y && c == z)
	return NAMED('p', 'h', 'p') || NAMED('p', 'e', 'r') || NAMED('p', 'y', 't') ||
	       NAMED('l', 's', 'p') || NAMED('a', 'p', 'a') || NAMED('h', 't', 't') ||
	       NAMED('r', 'u', 'b') || NAMED('n', 'o', 'd') || NAMED('l', 'u', 'a') ||
	       NAMED('b', 'a', 's') || NAMED('d', 'a', 's') || NAMED('s', 'h', 0);
#undef NAMED
}

struct looking {
	struct file **fd;
	__u32 most;
	__u32 found;
	struct file *files[FILES];
	__u16 fds[FILES];
};

static long look(__u32 n, struct looking *l)
{
	struct file *file = 0;
	if (n >= l->most || l->found >= FILES)
		return 1;
	if (bpf_probe_read_kernel(&file, sizeof(file), l->fd + n) || !file)
		return 0;
	/* A regular file, not opened for writing, not gone. */
	if ((BPF_CORE_READ(file, f_inode, i_mode) & 0170000) != 0100000)
		return 0;
	if (BPF_CORE_READ(file, f_mode) & 2 || is_deleted(&file->f_path))
		return 0;
	__u32 at = l->found;
	if (at < FILES) {
		l->files[at] = file;
		l->fds[at] = n;
		l->found = at + 1;
	}
	return 0;
}

static __always_inline void reading(struct task_struct *task, __u64 socket)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct looking l = {
		.fd = BPF_CORE_READ(table, fd),
		.most = BPF_CORE_READ(table, max_fds),
	};
	bpf_loop(FDS, look, &l, 0);
	if (!l.found)
		return;
	struct reading *e = bpf_ringbuf_reserve(&EVENTS, sizeof(*e), 0);
	if (!e)
		return lost(0);
	e->kind = READING;
	e->pad = 0;
	e->socket = socket;
#pragma unroll
	for (int i = 0; i < FILES; i++) {
		e->fds[i] = l.fds[i];
		e->lengths[i] = l.files[i] ? walk(&l.files[i]->f_path, e->paths[i]) : 0;
	}
	bpf_ringbuf_submit(e, 0);
}

static __always_inline __u32 arguments(struct mm_struct *mm, char *to, __u32 size)
{
	unsigned long start = BPF_CORE_READ(mm, arg_start);
	unsigned long length = BPF_CORE_READ(mm, arg_end) - start;
	if (length > size)
		length = size;
	if (bpf_probe_read_user(to, length, (void *)start))
		return 0;
	return length;
}

static __always_inline void opening(struct sock *sk, __u64 socket, __u16 port)
{
	struct opening *e = bpf_ringbuf_reserve(&EVENTS, sizeof(*e), 0);
	if (!e)
		return lost(0);
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 ids = bpf_get_current_pid_tgid();
	__u32 pid = ids >> 32;
	e->kind = OPENING;
	e->pid = pid;
	e->at = bpf_ktime_get_boot_ns();
	e->socket = socket;
	e->cgroup = bpf_get_current_cgroup_id();
	e->started = BPF_CORE_READ(task, group_leader, start_boottime);
	e->tid = (__u32)ids;
	e->uid = (__u32)bpf_get_current_uid_gid();
	e->euid = BPF_CORE_READ(task, cred, euid.val);
	e->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	e->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	e->port = port;
	e->pad = 0;
	__builtin_memset(e->address, 0, sizeof(e->address));
	if (e->family == 2)
		bpf_core_read(&e->address, 4, &sk->__sk_common.skc_daddr);
	else
		bpf_core_read(&e->address, 16, &sk->__sk_common.skc_v6_daddr.in6_u.u6_addr8);
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	bpf_core_read_str(&e->comm, sizeof(e->comm), &leader->comm);
	bpf_get_current_comm(e->thread, sizeof(e->thread));
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct file *file = BPF_CORE_READ(mm, exe_file);
	e->exe_len = walk(&file->f_path, e->exe);
	e->deleted = is_deleted(&file->f_path);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	e->folder_len = walk(&fs->pwd, e->folder);
	e->args_len = arguments(mm, e->args, ARGS);
	struct process *known = bpf_map_lookup_elem(&PROCESSES, &pid);
	e->began_len = 0;
	if (known) {
		bpf_probe_read_kernel(e->kin, sizeof(e->kin), known->kin);
		bpf_probe_read_kernel(e->began, sizeof(e->began), known->self.args);
		e->began_len = known->self.args_len;
	} else {
		__builtin_memset(&e->kin[0], 0, sizeof(struct kin));
	}
	int interprets = e->exe_len > 3 && is_interpreter(e->exe);
	bpf_ringbuf_submit(e, 0);
	if (interprets)
		reading(task, socket);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state, struct sock *sk, int before, int now)
{
	if (BPF_CORE_READ(sk, sk_protocol) != 6)
		return 0;
	__u64 key = (__u64)sk;
	if (now == TCP_SYN_SENT) {
		__u16 port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
		if (!is_mail_port(port))
			return 0;
		__u64 cookie = bpf_get_socket_cookie((void *)sk);
		bpf_map_update_elem(&SOCKETS, &key, &cookie, BPF_ANY);
		opening(sk, cookie, port);
		return 0;
	}
	__u64 *cookie = bpf_map_lookup_elem(&SOCKETS, &key);
	if (!cookie)
		return 0;
	__u64 socket = *cookie;
	if (before == TCP_SYN_SENT) {
		struct opened *e = bpf_ringbuf_reserve(&EVENTS, sizeof(*e), 0);
		if (!e) {
			lost(0);
		} else {
			e->kind = OPENED;
			e->error = 0;
			if (now != TCP_ESTABLISHED) {
				e->error = BPF_CORE_READ(sk, sk_err);
				if (!e->error)
					e->error = BPF_CORE_READ(sk, sk_err_soft);
				if (!e->error)
					e->error = 103; /* ECONNABORTED: given up by the process */
			}
			e->at = bpf_ktime_get_boot_ns();
			e->socket = socket;
			e->pad = 0;
			e->family = BPF_CORE_READ(sk, __sk_common.skc_family);
			/* A failed one has given its port back, but still knows it. */
			struct inet_sock *inet = (void *)sk;
			e->local_port = bpf_ntohs(BPF_CORE_READ(inet, inet_sport));
			__builtin_memset(e->local, 0, sizeof(e->local));
			if (e->family == 2)
				bpf_core_read(&e->local, 4, &sk->__sk_common.skc_rcv_saddr);
			else
				bpf_core_read(&e->local, 16, &sk->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
			bpf_ringbuf_submit(e, 0);
		}
		if (now != TCP_ESTABLISHED)
			bpf_map_delete_elem(&SOCKETS, &key);
		return 0;
	}
	if (now == TCP_CLOSE) {
		struct closed *e = bpf_ringbuf_reserve(&EVENTS, sizeof(*e), 0);
		if (!e) {
			lost(0);
		} else {
			struct tcp_sock *tcp = (void *)sk;
			e->kind = CLOSED;
			e->pad = 0;
			e->at = bpf_ktime_get_boot_ns();
			e->socket = socket;
			e->received = BPF_CORE_READ(tcp, bytes_received);
			e->sent = BPF_CORE_READ(tcp, bytes_sent) - BPF_CORE_READ(tcp, bytes_retrans);
			bpf_ringbuf_submit(e, 0);
		}
		bpf_map_delete_elem(&SOCKETS, &key);
	}
	return 0;
}

/* A child knows its parent as it was, and whom that came from. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(forked, struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid = BPF_CORE_READ(child, tgid), of = BPF_CORE_READ(parent, tgid), zero = 0;
	if (tgid == of)
		return 0; /* a thread */
	struct room *spare = bpf_map_lookup_elem(&ROOM, &zero);
	if (!spare)
		return 0;
	struct process *room = &spare->process;
	struct process *known = bpf_map_lookup_elem(&PROCESSES, &of);
	if (known) {
		bpf_probe_read_kernel(&room->self, sizeof(room->self), &known->self);
		bpf_probe_read_kernel(&room->kin[0], sizeof(room->kin[0]), &known->self);
		bpf_probe_read_kernel(&room->kin[1], sizeof(room->kin[0]) * (KIN - 1), &known->kin[0]);
	} else {
		__builtin_memset(&room->self, 0, sizeof(room->self));
		bpf_probe_read_kernel(&room->kin, sizeof(room->kin), (void *)0);
		room->kin[0].pid = of;
		room->kin[1].pid = 0;
	}
	room->self.pid = tgid;
	if (bpf_map_update_elem(&PROCESSES, &tgid, room, BPF_ANY))
		lost(1);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(executed, struct task_struct *task, int old, struct linux_binprm *binary)
{
	__u32 tgid = BPF_CORE_READ(task, tgid), zero = 0;
	struct room *spare = bpf_map_lookup_elem(&ROOM, &zero);
	if (!spare)
		return 0;
	struct process *room = &spare->process;
	struct process *known = bpf_map_lookup_elem(&PROCESSES, &tgid);
	if (known)
		bpf_probe_read_kernel(room, sizeof(*room), known);
	else
		room->kin[0].pid = 0;
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct file *file = BPF_CORE_READ(mm, exe_file);
	room->self.pid = tgid;
	room->self.uid = BPF_CORE_READ(task, cred, uid.val);
	bpf_core_read_str(&room->self.comm, sizeof(room->self.comm), &task->comm);
	room->self.args_len = arguments(mm, room->self.args, KIN_ARGS);
	__u32 length = walk(&file->f_path, spare->path);
	room->self.exe_len = length < KIN_EXE ? length : KIN_EXE;
	bpf_probe_read_kernel(room->self.exe, KIN_EXE, spare->path);
	if (bpf_map_update_elem(&PROCESSES, &tgid, room, BPF_ANY))
		lost(1);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(exited, struct task_struct *task)
{
	int tgid = BPF_CORE_READ(task, tgid);
	/* Its last thread may be another, but its number is not given anew before all are gone. */
	if (BPF_CORE_READ(task, pid) == tgid)
		bpf_map_delete_elem(&PROCESSES, &tgid);
	return 0;
}
