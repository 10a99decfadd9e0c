/**
 * Pieces of HTML that all pages need.
 */

/** Text as HTML shows it. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}

/** Prints a form. The token tells that it is one of the shop's own. */
export function printForm(
  { action, token, name = '' }: { action: string; token: string; name?: string },
  content: string,
): string {
  return `<form class="${name}" method="post" action="${action}">
    <input type="hidden" name="csrfToken" value="${token}">${content}
  </form>`
}
