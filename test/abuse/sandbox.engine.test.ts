/** What a hostile command can do to its host: nothing, each said with how it ends. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { limits, mebibyte, openHost, shell, task } from '../activities/sandbox/sandbox-host.ts';

const python = (script: string, over = {}) => task(['python3', '-B', '-c', script], over);

describe.each([...inject('engines')])('a hostile command on $kind', (engine) => {
  test('that forks without end stops at its number of processes', async () => {
    const host = await openHost(engine);
    const script = `import os, time
n = 0
try:
    while n < 5000:
        if os.fork() == 0: time.sleep(30); os._exit(0)
        n += 1
except OSError as error: print('stopped', n, error.errno)`;
    const { verdict, exitCode, output } = await host.run(python(script));
    expect({ verdict, exitCode }).toEqual({ verdict: 'exited', exitCode: 0 });
    const [, count] = /stopped (\d+) 11/.exec(await host.text(output)) ?? [];
    expect(Number(count)).toBeLessThanOrEqual(limits.pids);
    expect(await host.leftovers()).toEqual([]);
  });

  test('that is a shell fork bomb ends at its time limit', async () => {
    const host = await openHost(engine);
    const outcome = await host.run(shell(':(){ :|:& };: 2>/dev/null; sleep 60', { timeoutMs: 1500 }));
    expect(['timeout', 'exited', 'killed']).toContain(outcome.verdict);
    expect(outcome.durationMs).toBeLessThan(5000);
    expect(await host.leftovers()).toEqual([]);
  });

  test('that prints a gigabyte is stopped, and a bounded part is kept', async () => {
    const host = await openHost(engine);
    const outcome = await host.run(
      shell('yes | head -c 1000000000; sleep 60', { limits: { ...limits, outputBytes: mebibyte } }),
    );
    expect(outcome.verdict).toBe('output_limit');
    expect(outcome.durationMs).toBeLessThan(5000);
    expect(outcome.output.bytes).toBeLessThan(mebibyte + 200);
  });

  test('that fills its worktree fills nothing else', async () => {
    const host = await openHost(engine);
    const script =
      'for f in /x /etc/x /usr/x /var/x /run/x /opt/x /aas/x; do { echo 1 > $f; } 2>/dev/null && echo WROTE $f; done; cat /dev/zero > fill';
    const { verdict, output } = await host.run(shell(script));
    const text = await host.text(output);
    expect(verdict).toBe('exited');
    expect(text).toMatch(/No space left|File size limit|File too large/);
    expect(text.match(/WROTE \/(?!run)/)).toBeNull();
  });

  test('that makes a file of terabytes is refused it', async () => {
    const host = await openHost(engine);
    const { output } = await host.run(shell('truncate -s 10T sparse; echo "code $?"; stat -c "size %s" sparse'));
    const text = await host.text(output);
    expect(text).toMatch(/^code (1|153)$/m);
    expect(text).not.toContain('10995116277760');
  });

  test('that ignores every signal ends at its time limit', async () => {
    const host = await openHost(engine);
    const outcome = await host.run(shell('trap "" TERM INT HUP QUIT; while :; do sleep 1; done', { timeoutMs: 1000 }));
    expect(outcome).toMatchObject({ verdict: 'timeout', exitCode: null });
    expect(outcome.durationMs).toBeLessThan(2500);
  });

  test('that closes its output and hides in the background does not outlive its run', async () => {
    const host = await openHost(engine);
    const script =
      'setsid bash -c "exec >&- 2>&- <&-; trap \\"\\" TERM; while :; do echo alive >> beat; sleep 0.1; done" & disown; until [ -e beat ]; do sleep 0.01; done; exec >&- 2>&-; exit 3';
    const outcome = await host.run(
      shell(script, { collect: ({ directory }) => readFile(join(directory, 'beat'), 'utf8') }),
    );
    expect(outcome).toMatchObject({ verdict: 'exited', exitCode: 3 });
    expect(outcome.collected).toMatch(/^alive\n/);
    expect(await host.leftovers()).toEqual([]);
  });

  test('that closes its output and goes on is stopped at its time limit', async () => {
    const host = await openHost(engine);
    const outcome = await host.run(shell('exec >&- 2>&-; sleep 60', { timeoutMs: 1000 }));
    expect(outcome.verdict).toBe('timeout');
  });

  test('that rewrites its own output does not change what was read, and it is said', async () => {
    const host = await openHost(engine);
    const what = shell('echo the truth; sleep 0.5; : > /aas/output; echo a lie; sleep 0.3');
    const { output } = await host.run(what);
    const text = await host.text(output);
    expect(text).toBe(
      'the truth\na lie\n\n[... the command rewrote its output; what was read before that stays here ...]\n',
    );
    expect(await host.live(what)).toBe(text);
  });

  test('that writes into the gate or holds it open is still noticed to end', async () => {
    const host = await openHost(engine);
    const script =
      'exec 8>/aas/gate; (yes >&8) 2>/dev/null; mv /aas/gate /aas/g2; rm -f /aas/gate; cat < /aas/gate; echo end; exit 4';
    const outcome = await host.run(shell(script, { timeoutMs: 20_000 }));
    expect(outcome).toMatchObject({ verdict: 'exited', exitCode: 4 });
    expect(outcome.durationMs).toBeLessThan(5000);
    expect(await host.text(outcome.output)).toMatch(/Read-only|Permission denied/);
  });

  test('that kills what holds the gate ends itself', async () => {
    const host = await openHost(engine);
    const outcome = await host.run(shell('kill -9 $PPID; sleep 60'));
    expect(outcome.verdict).toBe('killed');
    expect(await host.leftovers()).toEqual([]);
  });

  test('has no capability, no network, no way to gain one, and a read-only root', async () => {
    const host = await openHost(engine);
    const script = `grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status
id -u; touch /root-write 2>&1; unshare -Ur id 2>&1; mount -t tmpfs x /tmp 2>&1; mknod d b 8 0 2>&1
tail -n +3 /proc/net/dev | cut -d: -f1
echo "kallsyms $(head -c 100 /proc/kallsyms | wc -c)"; echo "modules $(ls /sys/module | wc -l)"
echo "kcore $(head -c 100 /proc/kcore | wc -c)"; echo "cmdline $(wc -c < /proc/cmdline)"; echo "core $(ulimit -c)"
echo "memory $(cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null)"
echo "setuid $(find / -xdev -perm /6000 -type f 2>/dev/null | wc -l)"`;
    const text = await host.text((await host.run(shell(script))).output);
    expect(text).toMatch(
      /CapPrm:\s0{16}\nCapEff:\s0{16}\nCapBnd:\s0{16}\nCapAmb:\s0{16}\nNoNewPrivs:\s1\nSeccomp:\s2\n/,
    );
    expect(text).toMatch(/^\d{5}$/m);
    expect(text).toMatch(/touch: .*Read-only file system/);
    expect(text).toMatch(/unshare: .*not permitted/);
    expect(text).toMatch(/mount: .*(denied|not permitted|must be superuser)/);
    expect(text).toMatch(/mknod: .*not permitted/);
    expect(text).not.toContain('uid=0');
    const hidden = ['kallsyms 0', 'modules 0', 'kcore 0', 'cmdline 0', 'core 0', 'setuid 0'];
    expect(text.split('\n')).toEqual(expect.arrayContaining([...hidden, `memory ${limits.memoryBytes}`]));
    expect(text.match(/^\s*(eth|veth|tap|wlan)\w*$/m)).toBeNull();
  });

  test('cannot speak to the hypervisor, nor by the 32-bit door', async () => {
    const host = await openHost(engine);
    const script = `import socket
for name, family, kind in [('UNIX', 1, 1), ('PACKET', 17, 3), ('ALG', 38, 5), ('VSOCK', 40, 1)]:
    try: socket.socket(family, kind).close(); print(name, 'OK')
    except OSError as error: print(name, error.errno)`;
    const text = await host.text((await host.run(python(script))).output);
    expect(text).toContain('UNIX OK');
    expect(text).not.toMatch(/(PACKET|ALG|VSOCK) OK/);
  });
});
