/* The hashboards of a miner as its latest status tells them. */
import { known, number, percent, percentOf, UNKNOWN } from "../lib/format.js";
import { html } from "../lib/html.js";
import { Badge, Bar, range, Table } from "../lib/ui.js";

function Grades({ board }) {
  const grades = [["grey", "good", board.chips_grey], ["orange", "weak", board.chips_orange], ["red", "bad", board.chips_red]];
  if (!grades.some(([, , n]) => known(n))) return UNKNOWN;
  return grades.map(([grade, words, n]) => html`<span key=${grade} class="grade grade-${grade} ${n ? "" : "none"}" title=${`${words} chips (${grade})`}>${number(n)}<span class="hidden"> ${words}</span></span>`);
}

export function Boards({ status }) {
  const boards = status?.chains ?? [];
  const water = boards.some((board) => known(board.inlet_water_temp_c) || known(board.outlet_water_temp_c));
  return html`<section aria-labelledby="boards"><h2 id="boards">Boards</h2>
    ${boards.length === 0
      ? html`<p class="note muted">The miner reports no boards${status?.state ? ` (state: ${status.state})` : ""}.</p>`
      : html`<${Table} of="boards" kind="boards" head=${[
        "Board", "State", ["TH/s", "num"], ["of expected", "num"], ["W", "num"], ["V", "num"],
        ["MHz", "num"], ["Board °C", "num"], ["Chips °C", "num"],
        water && ["Water °C", "num"], ["HW errors", "num"], ["Chips good / weak / bad", undefined, "Chips by grade: good, weak, bad"],
      ]}>
      <tbody>${boards.map((board) => {
        const share = percentOf(board.hashrate_ths, board.hashrate_nominal_ths);
        return html`<tr key=${board.identifier}>
          <th scope="row">${board.index ?? board.identifier}</th>
          <td><${Badge} tone=${board.condition.tone}>${board.condition.word}<//>${board.description && html` <span class="tone-bad">${board.description}</span>`}</td>
          <td class="num"><b>${number(board.hashrate_ths, 1)}</b> <span class="of">/ ${number(board.hashrate_nominal_ths, 1)}</span></td>
          <td class="num share-cell"><${Bar} share=${share} /><span class="share">${percent(share)}</span></td>
          <td class="num">${number(board.power_w)}</td>
          <td class="num">${number(known(board.voltage_mv) ? board.voltage_mv / 1000 : null, 2)}</td>
          <td class="num">${number(board.frequency_mhz)}</td>
          <td class="num">${range(board.pcb_temp_min, board.pcb_temp_max)}</td>
          <td class="num">${range(board.chip_temp_min, board.chip_temp_max)}</td>
          ${water && html`<td class="num">${number(board.inlet_water_temp_c)} → ${number(board.outlet_water_temp_c)}</td>`}
          <td class="num">${number(board.hardware_errors)}</td>
          <td class="nowrap"><${Grades} board=${board} /></td></tr>`;
      })}</tbody><//>`}
  </section>`;
}
