/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/render_html.h"

/*
 * Sorts the rows of a table by a column: upwards, downwards, as they were; each group within itself, empty
 * cells last. Numbers sort as numbers ("<.0001" as .0001).  No "<" in it: the page is then sound markup to
 * any reader.
 */
const char render_html_script[] =
    "(function(){\"use strict\";\n"
    "function key(row,column,number){\n"
    " var text=row.cells[column].textContent.trim();\n"
    " if(!number)return text;\n"
    " var value=parseFloat(text.replace(/^[\\u003c\\u003e]/,\"\"));\n"
    " return isNaN(value)||/^\\d{4}-\\d\\d/.test(text)?text:value;}\n"
    "function compare(a,b){\n"
    " if(typeof a!==typeof b)return typeof a===\"number\"?-1:1;\n"
    " if(a===b)return 0;\n"
    " return b>a?-1:1;}\n"
    "function sort(table,column,number,direction){\n"
    " Array.prototype.forEach.call(table.tBodies,function(body){\n"
    "  if(!body.original)body.original=Array.prototype.slice.call(body.rows);\n"
    "  var rows=body.original.filter(function(row){return row.className!==\"group\";});\n"
    "  var keyed=rows.map(function(row,at){return{row:row,at:at,key:direction?key(row,column,number):at};});\n"
    "  keyed.sort(function(a,b){\n"
    "   if((a.key===\"\")!==(b.key===\"\"))return a.key===\"\"?1:-1;\n"
    "   return(direction||1)*compare(a.key,b.key)||a.at-b.at;});\n"
    "  keyed.forEach(function(entry){body.appendChild(entry.row);});});}\n"
    "Array.prototype.forEach.call(document.querySelectorAll(\"table.sortable\"),function(table){\n"
    " var heads=table.tHead.rows[0].cells;\n"
    " Array.prototype.forEach.call(heads,function(head,column){\n"
    "  var button=document.createElement(\"button\"),state=0;\n"
    "  button.type=\"button\";button.title=\"sort by this column\";\n"
    "  while(head.firstChild)button.appendChild(head.firstChild);\n"
    "  head.appendChild(button);\n"
    "  button.addEventListener(\"click\",function(){\n"
    "   var next=state===0?1:state===1?-1:0;\n"
    "   Array.prototype.forEach.call(heads,function(other){other.removeAttribute(\"aria-sort\");});\n"
    "   table.dispatchEvent(new CustomEvent(\"unsort\"));\n"
    "   state=next;\n"
    "   if(state)head.setAttribute(\"aria-sort\",state===1?\"ascending\":\"descending\");\n"
    "   sort(table,column,head.className===\"n\",state);});\n"
    "  table.addEventListener(\"unsort\",function(){state=0;});});});\n"
    "})();\n";
