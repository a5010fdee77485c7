// SPDX-License-Identifier: GPL-3.0-or-later
// A person's second factor: codes of RFC 6238 with the defaults of the API (SHA-1, six digits, 30 s), each used once.
import {createHmac} from 'node:crypto';

const STEP_S = 30;

function decodeBase32(text) {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
    const bits = [...text.replace(/=+$/, '')].map((c) => letters.indexOf(c).toString(2).padStart(5, '0')).join('');
    return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

export function codeOfStep(secret, step) {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const hash = createHmac('sha1', decodeBase32(secret)).update(counter).digest();
    const at = hash[19] & 15;
    return String((hash.readUInt32BE(at) & 0x7fffffff) % 1000000).padStart(6, '0');
}

export class Account {
    constructor({account, name, role, sites, password, secret, recovery, lastStep}, url) {
        Object.assign(this, {account, name, role, sites, password, secret, lastStep, url});
        this.recovery = [...recovery];
    }

    /**
     * A code that has not been used, or null when the next one comes later: then a recovery code helps.  That of the
     * step before is not taken late in a step: on a busy machine it would be judged when it counts no more.
     */
    nextCode() {
        const now = Math.floor(Date.now() / 1000 / STEP_S);
        const isEarly = Date.now() / 1000 % STEP_S < STEP_S / 2;
        const step = Math.max(isEarly ? now - 1 : now, this.lastStep + 1);
        if (step > now + 1)
            return null;
        this.lastStep = step;
        return codeOfStep(this.secret, step);
    }

    nextRecoveryCode() {
        const code = this.recovery.shift();
        if (!code)
            throw new Error(`${this.account} has no recovery code left`);
        return code;
    }

    /** What signs in now: {code} or {recovery_code}. */
    secondFactor() {
        const code = this.nextCode();
        return code ? {code} : {recovery_code: this.nextRecoveryCode()};
    }
}
