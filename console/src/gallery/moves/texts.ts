export const movesTexts = {
  en: {
    picker: { label: "Person", placeholder: "Type a name", none: "Nobody by that name" },
    merge: {
      title: "Merge another person into {{name}}",
      pick: "Who is the same person as {{name}}?",
      gone: "is then gone",
      stays: "stays",
      text_one:
        "{{count}} photo of {{other}} and all embeddings go to {{name}}. {{name}}'s name, threshold and primary photo stay; details that only {{other}} has are added. {{other}} is then gone, and this cannot be taken back.",
      text_other:
        "{{count}} photos of {{other}} and all embeddings go to {{name}}. {{name}}'s name, threshold and primary photo stay; details that only {{other}} has are added. {{other}} is then gone, and this cannot be taken back.",
      confirm: "Merge",
      done_one: "{{other}} is part of {{name}} now: {{count}} photo moved.",
      done_other: "{{other}} is part of {{name}} now: {{count}} photos moved.",
      duplicates_one: "{{count}} was there already.",
      duplicates_other: "{{count}} were there already.",
      conflicts: "Kept {{name}}'s own: {{keys}}.",
    },
    move: {
      action: "Move to another person…",
      title: "Whose photo is this?",
      to: { label: "The photo goes to", existing: "Somebody enrolled", fresh: "A new person" },
      name: "Name of the new person",
      deleteEmpty: "Remove {{name}} as well: this is the last photo",
      confirm: "Move",
      done: "The photo is {{name}}'s now.",
      removed: "{{name}} had no other photo and was removed.",
    },
  },
  zh: {
    picker: { label: "人员", placeholder: "输入姓名", none: "没有这个姓名" },
    merge: {
      title: "将另一人并入 {{name}}",
      pick: "谁与 {{name}} 是同一个人？",
      gone: "随后消失",
      stays: "保留",
      text_other:
        "{{other}} 的 {{count}} 张照片及全部特征将归入 {{name}}。{{name}} 的姓名、阈值和主照片不变；只有 {{other}} 有的资料会添加进来。{{other}} 随后消失，此操作无法撤销。",
      confirm: "合并",
      done_other: "{{other}} 已并入 {{name}}：移动了 {{count}} 张照片。",
      duplicates_other: "有 {{count}} 张原本就有。",
      conflicts: "保留了 {{name}} 自己的：{{keys}}。",
    },
    move: {
      action: "移给另一人…",
      title: "这是谁的照片？",
      to: { label: "照片归", existing: "已录入的人", fresh: "新的人" },
      name: "新人员的姓名",
      deleteEmpty: "同时删除 {{name}}：这是最后一张照片",
      confirm: "移动",
      done: "照片已归 {{name}}。",
      removed: "{{name}} 没有其他照片，已删除。",
    },
  },
};
