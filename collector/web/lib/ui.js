// SPDX-License-Identifier: GPL-3.0-or-later
// What pages are made of.
export { ErrorSummary, Page } from './ui/page.js';
export { Choice, DateInput, Field, Select, TextArea, TextInput } from './ui/fields.js';
export { Alert, Button, Empty, Loading, Problem, StateBadge } from './ui/parts.js';
export { DataTable, Pager } from './ui/table.js';
export { Dialog, ReasonDialog } from './ui/dialog.js';
export { SubjectBanner } from './ui/banner.js';
export { useData } from './ui/data.js';
