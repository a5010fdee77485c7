// SPDX-License-Identifier: GPL-3.0-or-later
// Which clocks run for which adverse event: notices say it, each of a version of the event.  Pure.

export function isSameEvent(notice, event) {
    return ['subject', 'form', 'knee', 'visit', 'instance'].every((field) => notice[field] === event[field]);
}

// The newest notice of each event that has a clock -> Map from the event's id to {sponsorDue, authorityDue, kind}.
export function clocksOf(events, notices) {
    const clocks = new Map();
    const running = notices.filter((notice) => notice.sponsor_due || notice.authority_due);
    for (const event of events) {
        const own = running.filter((notice) => isSameEvent(notice, event))
            .sort((a, b) => a.noticed_at.localeCompare(b.noticed_at));
        const newest = own.at(-1);
        if (newest)
            clocks.set(event.id, { sponsorDue: newest.sponsor_due, authorityDue: newest.authority_due,
                                   severity: newest.severity, kind: newest.kind });
    }
    return clocks;
}
